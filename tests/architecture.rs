//! The invariants of `docs/architecture.md` that hold between source files, and the names of files and tests in
//! the documents, checked on their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The frameworks, and the only directory of `src` that may name each.
const FRAMEWORKS: [(&str, &str); 4] = [
    ("wasmtime", "sandbox"),
    ("wasmtime_wasi", "sandbox"),
    ("axum", "http"),
    ("hyper", "http"),
];

/// A module of the library: the names that lead to it from the crate's root.
type Module = Vec<String>;

/// The source code of each module, without comments and unit tests.
struct Sources(BTreeMap<Module, String>);

impl Sources {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut sources = BTreeMap::new();
        for path in rust_files(&root) {
            let module = path.strip_prefix(&root).expect("the file is in src");
            let module = module.with_extension("");
            let mut module: Module = module
                .iter()
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
                module.pop();
            }
            let is_test = module
                .iter()
                .any(|name| ["tests", "properties"].contains(&&**name));
            // The program and its commands are a crate of their own.
            let is_program = ["main", "commands"]
                .map(Some)
                .contains(&module.first().map(|name| &**name));
            if !is_test && !is_program {
                let text = fs::read_to_string(&path).expect("the file can be read");
                sources.insert(module, code(&text));
            }
        }
        Self(sources)
    }

    /// The modules that `module` imports, except its own ancestors.
    fn imports(&self, module: &Module) -> BTreeSet<&Module> {
        let text = &self.0[module];
        let mut paths = Vec::new();
        for declaration in declarations(text) {
            expand(declaration, "", &mut paths);
        }
        paths.extend(inline_paths(text));
        paths
            .iter()
            .filter_map(|path| self.resolve(module, path, 0))
            .filter(|imported| !module.starts_with(imported))
            .collect()
    }

    /// The module that defines the item at `path`, as seen from `module`.
    fn resolve(&self, module: &Module, path: &str, depth: usize) -> Option<&Module> {
        let path = path.split(" as ").next().unwrap_or_default();
        let mut at = module.clone();
        let mut names = path.split("::").map(str::trim).peekable();
        match *names.peek()? {
            "crate" => {
                at.clear();
                names.next();
            }
            "self" => {
                names.next();
            }
            "super" => {
                while names.next_if_eq(&"super").is_some() {
                    at.pop();
                }
            }
            // Another crate, unless it is a submodule.
            first => {
                at.push(first.to_owned());
                let is_module = self.0.contains_key(&at);
                at.pop();
                if !is_module {
                    return None;
                }
            }
        }
        for name in names {
            at.push(name.to_owned());
            if !self.0.contains_key(&at) {
                at.pop();
                // Re-exports lead to the module that defines the item.
                let exported = self.re_export(&at, name).filter(|_| depth < 4);
                return match exported {
                    Some(path) => self.resolve(&at, &path, depth + 1),
                    None => self.0.get_key_value(&at).map(|(module, _)| module),
                };
            }
        }
        self.0.get_key_value(&at).map(|(module, _)| module)
    }

    /// The path under which `module` re-exports `name`.
    fn re_export(&self, module: &Module, name: &str) -> Option<String> {
        let mut paths = Vec::new();
        for declaration in declarations(&self.0[module]) {
            expand(declaration, "", &mut paths);
        }
        paths
            .into_iter()
            .find(|path| {
                let last = path.rsplit("::").next().unwrap_or_default();
                let last = last.split(" as ").last().unwrap_or_default();
                last.trim() == name
            })
            .map(|path| path.split(" as ").next().unwrap_or_default().to_owned())
    }
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("the directory can be read") {
        let path = entry.expect("the directory can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Removes comments and the unit tests at the end of a file.
fn code(text: &str) -> String {
    let text = text
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The trees of all `use` declarations.
fn declarations(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("use ").filter(|(at, _)| {
        let line = text[..*at].rsplit('\n').next().unwrap_or_default();
        let before = line.trim();
        before.is_empty() || before.starts_with("pub")
    });
    starts.filter_map(|(at, keyword)| text[at + keyword.len()..].split(';').next())
}

/// Lists the paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str, prefix: &str, paths: &mut Vec<String>) {
    let mut depth = 0;
    let mut start = 0;
    let ends = tree.char_indices().chain([(tree.len(), ',')]);
    for (at, character) in ends {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let item = tree[start..at].trim();
                start = (at + 1).min(tree.len());
                match item.split_once('{') {
                    Some((before, inside)) => {
                        let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
                        expand(inside, &format!("{prefix}{before}"), paths);
                    }
                    None if item.is_empty() => {}
                    None => paths.push(
                        format!("{prefix}{item}")
                            .trim_end_matches("::self")
                            .to_owned(),
                    ),
                }
            }
            _ => {}
        }
    }
}

/// Paths outside of `use` declarations that begin at the crate's root or a parent.
fn inline_paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let is_name = |character: char| character.is_alphanumeric() || "_:".contains(character);
            if text[..at].chars().next_back().is_some_and(is_name) {
                continue;
            }
            let path = text[at..].split(|character| !is_name(character)).next();
            paths.push(path.unwrap_or_default().trim_end_matches("::").to_owned());
        }
    }
    paths
}

#[test]
fn each_framework_is_named_in_its_own_module_only() {
    let sources = Sources::read();
    let mut seen = BTreeSet::new();
    for (module, text) in &sources.0 {
        let words =
            text.split(|character: char| !character.is_alphanumeric() && !"_:".contains(character));
        for word in words {
            let name = word.split("::").next().unwrap_or_default();
            for (framework, place) in FRAMEWORKS
                .iter()
                .filter(|(framework, _)| *framework == name)
            {
                // Elsewhere a name in a text is none of a crate.
                if word.contains("::") {
                    seen.insert(*framework);
                    let inside = module.first().is_some_and(|first| first == place);
                    assert!(inside, "{} names {framework}", module.join("::"));
                }
            }
        }
    }
    // The test sees the names where they belong.
    for (framework, _) in FRAMEWORKS {
        assert!(seen.contains(framework), "{framework} is named nowhere");
    }
}

#[test]
fn no_file_imports_itself_through_others() {
    let sources = Sources::read();
    let imports: BTreeMap<_, _> = sources
        .0
        .keys()
        .map(|module| (module, sources.imports(module)))
        .collect();
    // The test sees imports, re-exported ones too.
    let path = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let seen = &imports[&path("http::execute")];
    assert!(seen.contains(&path("http::body")), "{seen:?}");
    assert!(seen.contains(&path("sandbox::outcome")), "{seen:?}");

    let mut circles = Vec::new();
    for (start, direct) in &imports {
        let mut reached: BTreeSet<&Module> = BTreeSet::new();
        let mut next: Vec<(&Module, String)> = direct
            .iter()
            .map(|module| (*module, start.join("::")))
            .collect();
        while let Some((module, way)) = next.pop() {
            let way = format!("{way} -> {}", module.join("::"));
            if module == *start {
                circles.push(way);
                break;
            }
            if reached.insert(module) {
                next.extend(imports[module].iter().map(|module| (*module, way.clone())));
            }
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// Directories whose files the documents name by path.
const DIRECTORIES: [&str; 6] = ["src/", "tests/", "wasm/", "xtask/", "deploy/", "examples/"];

/// The text of each document about the code.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).expect("the directory can be read");
    let docs = docs.map(|entry| entry.expect("the directory can be read").path());
    let paths = docs.chain(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let read = paths.map(|path| {
        let text = fs::read_to_string(&path).expect("the document can be read");
        // Names that belong together may be on two lines.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (path.display().to_string(), text)
    });
    read.collect()
}

#[test]
fn documents_name_files_and_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = 0;
    for (document, text) in documents() {
        let spans: Vec<_> = text.split('`').collect();
        for (index, path) in spans.iter().enumerate().skip(1).step_by(2) {
            let is_path = DIRECTORIES
                .iter()
                .any(|directory| path.starts_with(directory));
            let is_built = path.ends_with("wasm");
            if !is_path || is_built || path.contains(['*', '{', ' ']) {
                continue;
            }
            let file = root.join(path);
            assert!(
                file.exists(),
                "{document} names {path}, which does not exist"
            );
            // A test of a file is named as `file`: `test`.
            if let (Some(&": "), Some(test)) = (spans.get(index + 1), spans.get(index + 2))
                && path.ends_with(".rs")
            {
                let code = fs::read_to_string(&file).unwrap_or_default();
                let found = code.contains(&format!("fn {test}("));
                assert!(found, "{document} names {test}, which is not in {path}");
                tests += 1;
            }
        }
    }
    assert!(tests > 10, "only {tests} tests are named");
}
