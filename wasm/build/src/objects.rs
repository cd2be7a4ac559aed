//! Compiles C files, several at a time, each once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use super::compiler::{self, Compiler};
use super::crates::Crates;
use super::digest::{Fingerprint, sha256};
use super::progress;
use super::recipe::{Module, Recipe, Unit};
use super::sources::Sources;

/// The C files that make CPython a guest, and those that make it the build's own compiler of Python.
const GUEST: &str = "guest.c";
const COMPILER: &str = "compile.c";

/// The first of our files. The linker takes a function from the C library as soon as a file asks for it that
/// has not been defined yet, so those that stand in for the library's must come before the files that use them.
const FIRST: [&str; 5] = [
    "wasi.c",
    "strerror.c",
    "timezone.c",
    "status.c",
    "opening.c",
];

/// The compiled files, by what they are linked into.
pub struct Objects {
    /// CPython, its modules, the libraries they need, and what starts it.
    interpreter: Vec<PathBuf>,
    /// What makes a guest of it.
    guest: PathBuf,
    /// What makes the build's own compiler of Python of it.
    compiler: PathBuf,
}

impl Objects {
    /// What the guest is linked from.
    pub fn guest(&self) -> Vec<&Path> {
        self.with(&self.guest)
    }

    /// What the build's own compiler of Python is linked from.
    pub fn compiler(&self) -> Vec<&Path> {
        self.with(&self.compiler)
    }

    fn with<'a>(&'a self, last: &'a Path) -> Vec<&'a Path> {
        self.interpreter
            .iter()
            .map(PathBuf::as_path)
            .chain([last])
            .collect()
    }
}

/// Compiles everything that the recipe names, and the guest in `wasm/guest`.
pub fn build(
    recipe: &Recipe,
    compiler: &Compiler,
    cpython: &Sources,
    wasm: &Path,
    work: &Path,
) -> Result<Objects> {
    let mut plan = Plan::new(recipe, compiler, cpython, wasm, work)?;
    let sources = own_sources(&wasm.join("guest"))?;
    let mut interpreter = sources
        .iter()
        .map(|source| plan.own(source))
        .collect::<Result<Vec<_>>>()?;
    interpreter.extend(plan.unit(&recipe.core)?);
    for library in recipe.libraries.values() {
        interpreter.extend(plan.unit(library)?);
    }
    for module in recipe.modules.values() {
        interpreter.extend(plan.module(module)?);
    }
    interpreter.push(plan.own(&write_inittab(recipe, work)?)?);
    let objects = Objects {
        interpreter,
        guest: plan.own(&wasm.join("guest").join(GUEST))?,
        compiler: plan.own(&wasm.join("guest").join(COMPILER))?,
    };
    plan.run()?;
    Ok(objects)
}

/// One file to compile.
struct Job {
    source: PathBuf,
    flags: Vec<String>,
    object: PathBuf,
}

/// The files to compile, and what it takes to find them and to name their objects.
struct Plan<'a> {
    recipe: &'a Recipe,
    compiler: &'a Compiler,
    cpython: &'a Sources,
    guest: PathBuf,
    pyconfig: String,
    guest_headers: String,
    crates: Crates,
    /// Where sources lie on this machine, and what those places are called.
    roots: Vec<(String, String)>,
    directory: PathBuf,
    jobs: Vec<Job>,
}

impl<'a> Plan<'a> {
    fn new(
        recipe: &'a Recipe,
        compiler: &'a Compiler,
        cpython: &'a Sources,
        wasm: &Path,
        work: &Path,
    ) -> Result<Self> {
        let guest = wasm.join("guest");
        let pyconfig = sha256(&std::fs::read(guest.join("pyconfig.h"))?);
        let mut headers = Fingerprint::default();
        for header in files_of(&guest, "h")? {
            headers.add(std::fs::read(header)?);
        }
        let guest_headers = headers.name();
        let directory = work.join("objects");
        std::fs::create_dir_all(&directory)?;
        let crates = Crates::locate()?;
        let mut roots = vec![
            (cpython.root.display().to_string(), "cpython".to_owned()),
            (guest.display().to_string(), "guest".to_owned()),
            (work.display().to_string(), "work".to_owned()),
        ];
        for name in recipe
            .libraries
            .values()
            .filter_map(|library| library.krate.as_ref())
        {
            roots.push((crates.get(name)?.0.display().to_string(), name.clone()));
        }
        Ok(Self {
            recipe,
            compiler,
            cpython,
            guest,
            pyconfig,
            guest_headers,
            crates,
            roots,
            directory,
            jobs: Vec::new(),
        })
    }

    /// Plans a unit's files and says where their objects will be.
    fn unit(&mut self, unit: &Unit) -> Result<Vec<PathBuf>> {
        let base = self.base(unit)?;
        let mut flags: Vec<String> = unit
            .include
            .iter()
            .map(|path| include(&base.join(path)))
            .collect();
        flags.push(include(&base));
        if unit.krate.is_none() {
            flags.extend(self.cpython_flags());
        }
        flags.extend(unit.flags.iter().cloned());
        matching(&base, &unit.sources)?
            .into_iter()
            .map(|source| {
                let origin = self.origin(unit, &source)?;
                self.add(source, &origin, flags.clone())
            })
            .collect()
    }

    /// Plans a C module's files. All of them may see CPython's internals, as in CPython's own build.
    fn module(&mut self, module: &Module) -> Result<Vec<PathBuf>> {
        let mut flags = self.cpython_flags();
        flags.extend([
            "-DPy_BUILD_CORE_BUILTIN".to_owned(),
            "-DPy_BUILD_CORE".to_owned(),
        ]);
        for name in module.libraries() {
            let library = self
                .recipe
                .libraries
                .get(name)
                .with_context(|| format!("there is no library {name:?}"))?;
            let base = self.base(library)?;
            flags.push(include(&base));
            flags.extend(library.include.iter().map(|path| include(&base.join(path))));
            flags.extend(library.flags.iter().cloned());
        }
        let directory = self.cpython.root.join("Modules");
        let sources = module.sources().iter().map(|file| directory.join(file));
        sources
            .map(|source| {
                let origin = self.cpython.origin(&source);
                self.add(source, &origin, flags.clone())
            })
            .collect()
    }

    /// Plans a file of ours.
    fn own(&mut self, source: &Path) -> Result<PathBuf> {
        let mut flags = self.python_flags();
        flags.push("-DPy_BUILD_CORE".to_owned());
        let origin = sha256(&std::fs::read(source)?) + &self.guest_headers;
        self.add(source.to_owned(), &origin, flags)
    }

    /// Where a unit's files start.
    fn base(&self, unit: &Unit) -> Result<PathBuf> {
        let root = match &unit.krate {
            Some(name) => self.crates.get(name)?.0,
            None => &self.cpython.root,
        };
        Ok(root.join(&unit.directory))
    }

    /// Names the state of a unit's file.
    fn origin(&self, unit: &Unit, source: &Path) -> Result<String> {
        Ok(match &unit.krate {
            Some(name) => format!("{name} {}", self.crates.get(name)?.1),
            None => self.cpython.origin(source),
        })
    }

    fn python_flags(&self) -> Vec<String> {
        let root = &self.cpython.root;
        let paths = [
            self.guest.clone(),
            root.join("Include"),
            root.join("Include/internal"),
        ];
        paths.iter().map(|path| include(path)).collect()
    }

    /// Flags for CPython's own files.
    fn cpython_flags(&self) -> Vec<String> {
        let more = self.recipe.compiler.cpython_flags.iter().cloned();
        self.python_flags().into_iter().chain(more).collect()
    }

    /// Plans a file. Its object is named after all that it depends on.
    fn add(&mut self, source: PathBuf, origin: &str, flags: Vec<String>) -> Result<PathBuf> {
        // C files can name themselves (`__FILE__`); this machine's paths must not get into that.
        let renamed = |(path, name): &(String, String)| format!("-ffile-prefix-map={path}={name}");
        let general = self.recipe.compiler.flags.iter().cloned();
        let flags: Vec<String> = general
            .chain(self.roots.iter().map(renamed))
            .chain(flags)
            .collect();
        let mut fingerprint = Fingerprint::default();
        fingerprint
            .add(&self.compiler.version)
            .add(origin)
            .add(&self.pyconfig)
            .add(self.without_roots(&source.to_string_lossy()));
        for flag in &flags {
            fingerprint.add(self.without_roots(flag));
        }
        let name = source
            .file_stem()
            .context("a source file has a name")?
            .to_string_lossy();
        let object = self
            .directory
            .join(format!("{name}-{}.o", fingerprint.name()));
        self.jobs.push(Job {
            source,
            flags,
            object: object.clone(),
        });
        Ok(object)
    }

    /// `text` with names in place of this machine's paths.
    fn without_roots(&self, text: &str) -> String {
        let replace = |text: String, (path, name): &(String, String)| text.replace(path, name);
        self.roots.iter().fold(text.to_owned(), replace)
    }

    /// Compiles what is not there yet, on all cores.
    fn run(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        let jobs: Vec<&Job> = self
            .jobs
            .iter()
            .filter(|job| !job.object.exists() && seen.insert(&job.object))
            .collect();
        let bar = progress::count_bar(jobs.len());
        let next = AtomicUsize::new(0);
        let failures = Mutex::new(Vec::new());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Err(error) = self.compile(job) {
                            failures
                                .lock()
                                .unwrap_or_else(|poisoned| poisoned.into_inner())
                                .push(error);
                        }
                        bar.inc(1);
                    }
                });
            }
        });
        bar.finish_and_clear();
        let failures = failures
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if !failures.is_empty() {
            let words: Vec<String> = failures
                .iter()
                .map(|failure| format!("{failure:#}"))
                .collect();
            bail!(
                "{} files could not be compiled:\n{}",
                words.len(),
                words.join("\n")
            );
        }
        Ok(())
    }

    fn compile(&self, job: &Job) -> Result<()> {
        let object = tempfile::Builder::new()
            .suffix(".o")
            .tempfile_in(&self.directory)?
            .into_temp_path();
        let mut command = self.compiler.cc(&self.recipe.compiler.target);
        command
            .args(&job.flags)
            .arg("-c")
            .arg(&job.source)
            .arg("-o")
            .arg(&object);
        compiler::run(&mut command)?;
        Ok(object.persist(&job.object)?)
    }
}

/// Our C files that are linked into everything, in order.
fn own_sources(guest: &Path) -> Result<Vec<PathBuf>> {
    let first = FIRST.map(|name| guest.join(name));
    let last = [GUEST, COMPILER].map(|name| guest.join(name));
    let mut sources = first.to_vec();
    let others = files_of(guest, "c")?;
    sources.extend(
        others
            .into_iter()
            .filter(|file| !first.contains(file) && !last.contains(file)),
    );
    Ok(sources)
}

/// The files with an extension in a directory, sorted.
fn files_of(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let pattern = directory.join(format!("*.{extension}"));
    Ok(glob::glob(&pattern.to_string_lossy())?.collect::<Result<_, _>>()?)
}

fn include(path: &Path) -> String {
    format!("-I{}", path.display())
}

/// The files under `base` that `patterns` name, sorted; patterns with `!` take away.
fn matching(base: &Path, patterns: &[String]) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for pattern in patterns {
        let (taken_away, pattern) = pattern
            .strip_prefix('!')
            .map_or((false, &**pattern), |rest| (true, rest));
        if taken_away {
            let pattern = glob::Pattern::new(&format!("*/{pattern}"))?;
            files.retain(|file: &PathBuf| !pattern.matches_path(file));
            continue;
        }
        let before = files.len();
        for file in glob::glob(&base.join(pattern).to_string_lossy())? {
            files.insert(file?);
        }
        if files.len() == before {
            bail!("{pattern} matches nothing new in {}", base.display());
        }
    }
    Ok(files)
}

/// Writes the table of compiled-in modules, which CPython's build makes from Modules/config.c.in.
fn write_inittab(recipe: &Recipe, work: &Path) -> Result<PathBuf> {
    // These live in files of the interpreter itself.
    const CORE: [(&str, &str); 7] = [
        ("marshal", "PyMarshal_Init"),
        ("_imp", "PyInit__imp"),
        ("_ast", "PyInit__ast"),
        ("_tokenize", "PyInit__tokenize"),
        ("gc", "PyInit_gc"),
        ("_warnings", "_PyWarnings_Init"),
        ("_string", "PyInit__string"),
    ];
    let modules = recipe
        .modules
        .keys()
        .map(|name| (name.as_str(), format!("PyInit_{name}")));
    let entries: Vec<(&str, String)> = CORE
        .iter()
        .map(|(name, function)| (*name, (*function).to_owned()))
        .chain(modules)
        .collect();
    let mut text = String::from("#include <Python.h>\n");
    for (_, function) in &entries {
        text += &format!("extern PyObject *{function}(void);\n");
    }
    text += "struct _inittab _PyImport_Inittab[] = {\n";
    for (name, function) in &entries {
        text += &format!("    {{\"{name}\", {function}}},\n");
    }
    text += "    {\"builtins\", NULL},\n    {\"sys\", NULL},\n    {NULL, NULL},\n};\n";
    let path = work.join("inittab.c");
    std::fs::write(&path, text)?;
    Ok(path)
}
