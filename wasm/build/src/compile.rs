//! Compiles files, several at a time, each once.
//!
//! An object is named after all that it is made of: the compiler, the flags, the file, and the headers that it
//! includes. Which these are is known from the last time: the compiler lists them, and the list is kept beside the
//! objects under a name for all but the headers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use pinned::publish;

use crate::cache::mark_used;
use crate::compiler::{self, Compiler};
use crate::digest::{Fingerprint, sha256};
use crate::places::Places;
use crate::plan::{Job, Plan};
use crate::progress;

/// The compiled files, by what they are linked into.
pub struct Objects {
    interpreter: Vec<PathBuf>,
    guest: Vec<PathBuf>,
    compiler: Vec<PathBuf>,
}

impl Objects {
    /// Returns what the guest is linked from.
    pub fn guest(&self) -> Vec<&Path> {
        self.with(&self.guest)
    }

    /// Returns what the build's own compiler of Python is linked from.
    pub fn compiler(&self) -> Vec<&Path> {
        self.with(&self.compiler)
    }

    fn with<'a>(&'a self, last: &'a [PathBuf]) -> Vec<&'a Path> {
        let files = self.interpreter.iter().chain(last);
        files.map(PathBuf::as_path).collect()
    }
}

/// Compiles the files of `plan` for `target`; objects are kept in `work`.
pub fn run(
    plan: &Plan,
    compiler: &Compiler,
    target: &str,
    places: &Places,
    work: &Path,
) -> Result<Objects> {
    let directory = work.join("objects");
    std::fs::create_dir_all(&directory)?;
    let factory = Factory {
        compiler,
        target,
        places,
        directory,
        digests: Mutex::default(),
    };
    let jobs: Vec<&Job> = plan
        .interpreter
        .iter()
        .chain(&plan.guest)
        .chain(&plan.compiler)
        .collect();
    let mut interpreter = factory.all(&jobs)?;
    let mut guest = interpreter.split_off(plan.interpreter.len());
    let compiler = guest.split_off(plan.guest.len());
    Ok(Objects {
        interpreter,
        guest,
        compiler,
    })
}

/// Makes objects.
struct Factory<'a> {
    compiler: &'a Compiler,
    target: &'a str,
    places: &'a Places,
    directory: PathBuf,
    /// The digests of headers, by their names.
    digests: Mutex<BTreeMap<String, String>>,
}

impl Factory<'_> {
    /// Returns the objects of `jobs`, in this order; those that are not there yet are made on all cores.
    fn all(&self, jobs: &[&Job]) -> Result<Vec<PathBuf>> {
        let bar = progress::count_bar(jobs.len());
        let next = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(number) else { break };
                        let result = self.object(job);
                        lock(&results).insert(number, result);
                        bar.inc(1);
                    }
                });
            }
        });
        bar.finish_and_clear();
        let results = std::mem::take(&mut *lock(&results));
        let (mut objects, mut failures) = (Vec::new(), Vec::new());
        for result in results.into_values() {
            match result {
                Ok(object) => objects.push(object),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        if !failures.is_empty() {
            bail!(
                "{} files could not be compiled:\n{}",
                failures.len(),
                failures.join("\n")
            );
        }
        Ok(objects)
    }

    /// Returns the object of `job`, and makes it first if need be.
    fn object(&self, job: &Job) -> Result<PathBuf> {
        let stem = job.source.file_stem().context("a source file has a name")?;
        let stem = stem.to_string_lossy();
        let mut fingerprint = Fingerprint::default();
        fingerprint
            .add(&self.compiler.version)
            .add(self.target)
            .add(self.places.named(&job.source.to_string_lossy()))
            .add(std::fs::read(&job.source)?);
        for flag in &job.flags {
            fingerprint.add(self.places.named(flag));
        }
        let list = self
            .directory
            .join(format!("{stem}-{}.headers", fingerprint.name()));
        if let Ok(headers) = std::fs::read_to_string(&list)
            && let Ok(object) = self.place(&stem, &fingerprint, &headers)
            && object.exists()
        {
            mark_used(&list)?;
            mark_used(&object)?;
            return Ok(object);
        }
        let (made, headers) = self.compile(job)?;
        let object = self.place(&stem, &fingerprint, &headers)?;
        made.persist(&object)?;
        publish(&list, headers.as_bytes())?;
        Ok(object)
    }

    /// Returns where the object is that is made of what `fingerprint` stands for and of `headers`, one a line.
    fn place(&self, stem: &str, fingerprint: &Fingerprint, headers: &str) -> Result<PathBuf> {
        let mut fingerprint = fingerprint.clone();
        for header in headers.lines() {
            fingerprint.add(header).add(self.digest(header)?);
        }
        let name = format!("{stem}-{}.o", fingerprint.name());
        Ok(self.directory.join(name))
    }

    fn digest(&self, header: &str) -> Result<String> {
        if let Some(digest) = lock(&self.digests).get(header) {
            return Ok(digest.clone());
        }
        let digest = sha256(&std::fs::read(self.places.located(header))?);
        lock(&self.digests).insert(header.to_owned(), digest.clone());
        Ok(digest)
    }

    /// Compiles a file, and returns the object and the names of the headers, one a line.
    fn compile(&self, job: &Job) -> Result<(tempfile::TempPath, String)> {
        let temporary = |suffix: &str| {
            let file = tempfile::Builder::new()
                .suffix(suffix)
                .tempfile_in(&self.directory);
            file.map(tempfile::NamedTempFile::into_temp_path)
        };
        let (object, dependencies) = (temporary(".o")?, temporary(".d")?);
        let mut command = if job.is_cxx() {
            self.compiler.cxx(self.target)
        } else {
            self.compiler.cc(self.target)
        };
        command
            .args(self.places.flags())
            .args(&job.flags)
            .arg("-MMD")
            .arg("-MF")
            .arg(&dependencies)
            .arg("-c")
            .arg(&job.source)
            .arg("-o")
            .arg(&object);
        compiler::run(&mut command)?;
        let text = std::fs::read_to_string(&dependencies)
            .context("reading which headers the compiler has read")?;
        let source = job.source.to_string_lossy();
        let headers = dependencies_in(&text)
            .into_iter()
            .filter(|file| *file != source)
            .map(|file| self.places.named(&file) + "\n")
            .collect();
        Ok((object, headers))
    }
}

/// Returns the files that a rule of `make` names behind its colon.
fn dependencies_in(rule: &str) -> Vec<String> {
    let (_, files) = rule.split_once(": ").unwrap_or_default();
    let (mut names, mut name) = (Vec::new(), String::new());
    let mut characters = files.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) => name.push(escaped),
            },
            ' ' | '\n' => names.push(std::mem::take(&mut name)),
            character => name.push(character),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_files() {
        let rule = "a.o: /src/a.c \\\n  /src/with\\ space.h \\\n /src/b.h\n";
        let files = dependencies_in(rule);
        assert_eq!(files, ["/src/a.c", "/src/with space.h", "/src/b.h"]);
    }
}
