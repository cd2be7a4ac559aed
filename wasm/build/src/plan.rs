//! The plan of the compilation: which files are compiled, with which flags, and what they are linked into.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::environment::Environment;
use crate::inittab;
use crate::patterns::matching;
use crate::places::Places;
use crate::recipe::{CompilerFlags, Module, Package, Recipe, Unit};

/// A file to compile.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
pub struct Job {
    /// The file.
    pub source: PathBuf,
    /// All flags but those that name the target and files.
    pub flags: Vec<String>,
}

impl Job {
    /// Whether the file is C++.
    pub fn is_cxx(&self) -> bool {
        let extension = self.source.extension().unwrap_or_default();
        ["cc", "cpp", "cxx"].iter().any(|cxx| extension == *cxx)
    }
}

/// The files to compile, in the order in which they are linked.
pub struct Plan {
    /// CPython, its modules, the libraries that they need, and what starts it.
    pub interpreter: Vec<Job>,
    /// The files that make a guest of it.
    pub guest: Vec<Job>,
    /// The files that make the build's own compiler of Python of it.
    pub compiler: Vec<Job>,
}

/// Plans the interpreter of `environment`, whose `packages` are given in order. The table of modules is written to
/// `work`.
pub fn make(
    recipe: &Recipe,
    environment: &Environment,
    packages: &[(String, Package)],
    places: &Places,
    work: &Path,
) -> Result<Plan> {
    let guest = places.resolve("own:guest", work)?;
    let cpython = places.tree("cpython:")?;
    let python: Vec<String> = ["Include", "Include/internal"]
        .iter()
        .map(|path| include(&cpython.join(path)))
        .chain([include(&guest)])
        .collect();
    let group = |root: &Path, flags: &[&[String]]| Group {
        places,
        general: &recipe.compiler,
        root: root.to_owned(),
        flags: flags.concat(),
        cxx_flags: Vec::new(),
    };
    let internals = ["-DPy_BUILD_CORE".to_owned()];
    let builtin = ["-DPy_BUILD_CORE_BUILTIN".to_owned()];
    let optimized = &recipe.compiler.cpython_flags[..];
    let own = group(&guest, &[&python, &internals]);
    let others = group(cpython, &[]);
    let core = group(cpython, &[&python, optimized]);
    // All modules may see the internals, as in CPython's own build.
    let modules = group(
        &cpython.join("Modules"),
        &[&python, optimized, &builtin, &internals],
    );

    let ours = environment.guest.as_ref();
    let ours = ours.context("the environment has no guest")?;
    let own_jobs = |patterns: &[String]| {
        let files = matching(places, &guest, patterns)?;
        let jobs = files.into_iter().map(|file| own.job(file, &[], &[]));
        Ok::<Vec<Job>, anyhow::Error>(jobs.collect())
    };
    let mut interpreter = own_jobs(&ours.sources)?;
    interpreter.extend(core.unit(&recipe.core)?);
    for library in recipe.libraries.values() {
        let group = if library.krate().is_some() {
            &others
        } else {
            &core
        };
        interpreter.extend(group.unit(library)?);
    }
    let mut inits = Vec::new();
    for (name, module) in &recipe.modules {
        interpreter.extend(modules.module(module, &recipe.libraries, cpython)?);
        inits.push((name.clone(), module.init(name)));
    }
    for (name, package) in packages {
        let root = Package::root(name, places)?;
        let group = Group {
            cxx_flags: package.cxx_flags.clone(),
            ..group(&root, &[&python, &package.flags])
        };
        for library in package.libraries.values() {
            interpreter.extend(group.unit(library)?);
        }
        for (name, module) in &package.modules {
            interpreter.extend(group.module(module, &package.libraries, &root)?);
            inits.push((name.clone(), module.init(name)));
        }
    }
    let table = work.join("inittab.c");
    std::fs::write(&table, inittab::source(&inits))?;
    interpreter.push(own.job(table, &[], &[]));
    // Modules may share a file.
    let mut seen = BTreeSet::new();
    interpreter.retain(|job| seen.insert(job.clone()));
    Ok(Plan {
        interpreter,
        guest: own_jobs(&ours.main)?,
        compiler: own_jobs(&ours.compiler)?,
    })
}

/// Files that have flags in common.
struct Group<'a> {
    places: &'a Places,
    general: &'a CompilerFlags,
    /// Where directories without a prefix start.
    root: PathBuf,
    flags: Vec<String>,
    cxx_flags: Vec<String>,
}

impl Group<'_> {
    /// Plans the files of a unit.
    fn unit(&self, unit: &Unit) -> Result<Vec<Job>> {
        self.files(unit, headers(self.places, unit, &self.root)?)
    }

    /// Plans the files of a module that needs some of `libraries`, whose directories start from `root`.
    fn module(
        &self,
        module: &Module,
        libraries: &BTreeMap<String, Unit>,
        root: &Path,
    ) -> Result<Vec<Job>> {
        let mut flags = headers(self.places, &module.unit, &self.root)?;
        for name in &module.libraries {
            let library = libraries.get(name);
            let library = library.with_context(|| format!("there is no library {name:?}"))?;
            flags.extend(headers(self.places, library, root)?);
            flags.extend(library.flags.iter().cloned());
        }
        self.files(&module.unit, flags)
    }

    fn files(&self, unit: &Unit, mut flags: Vec<String>) -> Result<Vec<Job>> {
        flags.extend(unit.flags.iter().cloned());
        let directory = self.places.resolve(&unit.directory, &self.root)?;
        let mut files = matching(self.places, &directory, &unit.sources)?;
        files.sort();
        let job = |file| self.job(file, &flags, &unit.cxx_flags);
        Ok(files.into_iter().map(job).collect())
    }

    fn job(&self, source: PathBuf, flags: &[String], cxx_flags: &[String]) -> Job {
        let mut job = Job {
            source,
            flags: Vec::new(),
        };
        let cxx = job.is_cxx();
        let language = if cxx {
            &self.general.cxx_flags
        } else {
            &self.general.c_flags
        };
        job.flags = [language, &self.general.flags]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        job.flags.extend_from_slice(flags);
        job.flags.extend_from_slice(&self.flags);
        if cxx {
            job.flags.extend_from_slice(&self.cxx_flags);
            job.flags.extend_from_slice(cxx_flags);
        }
        job
    }
}

/// Returns the flags for a unit's directories of headers.
fn headers(places: &Places, unit: &Unit, root: &Path) -> Result<Vec<String>> {
    let directory = places.resolve(&unit.directory, root)?;
    let mut flags = Vec::new();
    for path in &unit.include {
        flags.push(include(&places.resolve(path, &directory)?));
    }
    flags.push(include(&directory));
    Ok(flags)
}

fn include(path: &Path) -> String {
    format!("-I{}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trees of sources: CPython, what is ours, an archive, and what is generated of that.
    fn places(root: &Path) -> Result<Places> {
        for path in [
            "cpython/Python/ceval.c",
            "cpython/Modules/math.c",
            "own/guest/abi/run.c",
            "own/guest/libc/wasi.c",
            "own/packages/numpy/support.c",
            "numpy/src/module.c",
            "numpy/src/sort.cpp",
            "generated/loops.c",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().context("a file has a directory")?)?;
            std::fs::write(path, "")?;
        }
        let mut places = Places::default();
        places.add("cpython:", root.join("cpython"));
        places.add("own:", root.join("own"));
        places.add("archive:numpy", root.join("numpy"));
        places.add("generated:numpy", root.join("generated"));
        Ok(places)
    }

    const RECIPE: &str = "
        compiler = { target = '', c_flags = ['-std=c11'], cxx_flags = ['-std=c++17'], flags = ['-O3'], cpython_flags = ['-flto'] }
        link = { flags = [], stack = 0 }
        core = { sources = ['Python/*.c'] }
        standard = { leave_out = [] }
        libraries = {}
        modules = { math = 'math.c' }
    ";

    const PACKAGE: &str = "
        flags = ['-DNUMPY']
        cxx_flags = ['-fno-rtti']
        [modules.'numpy._core._multiarray_umath']
        directory = 'src'
        sources = ['*.c', '*.cpp', 'generated:numpy/*.c', 'own:packages/numpy/*.c']
        include = ['generated:numpy']
    ";

    #[test]
    fn a_package_is_made_of_c_and_cxx_from_several_trees() -> Result<()> {
        let root = tempfile::tempdir()?;
        let places = places(root.path())?;
        let recipe: Recipe = toml::from_str(RECIPE)?;
        let environment: Environment = toml::from_str(
            "guest = { sources = ['libc/*.c'], main = ['abi/run.c'], compiler = [] }",
        )?;
        let packages = [("numpy".to_owned(), toml::from_str(PACKAGE)?)];
        let plan = make(&recipe, &environment, &packages, &places, root.path())?;
        let names: Vec<_> = plan
            .interpreter
            .iter()
            .map(|job| places.named(&job.source.to_string_lossy()))
            .collect();
        assert_eq!(
            names[..7],
            [
                "own:/guest/libc/wasi.c",
                "cpython:/Python/ceval.c",
                "cpython:/Modules/math.c",
                "generated:numpy/loops.c",
                "archive:numpy/src/module.c",
                "archive:numpy/src/sort.cpp",
                "own:/packages/numpy/support.c",
            ]
        );
        let has =
            |job: usize, flag: &str| plan.interpreter[job].flags.iter().any(|has| has == flag);
        let (ceval, c, cxx) = (1, 4, 5);
        assert!(plan.interpreter[cxx].is_cxx() && !plan.interpreter[c].is_cxx());
        for (job, flag, expected) in [
            (ceval, "-flto", true),
            (c, "-flto", false),
            (c, "-std=c11", true),
            (cxx, "-std=c11", false),
            (cxx, "-std=c++17", true),
            (cxx, "-fno-rtti", true),
            (c, "-fno-rtti", false),
            (cxx, "-DNUMPY", true),
        ] {
            assert_eq!(has(job, flag), expected, "{flag} of {}", names[job]);
        }
        let generated = include(&root.path().join("generated"));
        assert!(has(c, &generated));
        let table = std::fs::read_to_string(root.path().join("inittab.c"))?;
        let entry = r#"{"numpy._core._multiarray_umath", PyInit__multiarray_umath},"#;
        assert!(table.contains(entry), "{table}");
        Ok(())
    }
}
