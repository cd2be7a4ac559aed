//! The table of compiled-in modules, which CPython's own build makes from `Modules/config.c.in`.

/// Modules that are in files of the interpreter itself, and the functions that make them.
const CORE: [(&str, &str); 7] = [
    ("marshal", "PyMarshal_Init"),
    ("_imp", "PyInit__imp"),
    ("_ast", "PyInit__ast"),
    ("_tokenize", "PyInit__tokenize"),
    ("gc", "PyInit_gc"),
    ("_warnings", "_PyWarnings_Init"),
    ("_string", "PyInit__string"),
];

/// Returns a C file with the table: the modules of the core, and `modules` with the functions that make them.
pub fn source(modules: &[(String, String)]) -> String {
    let core = CORE.map(|(name, function)| (name.to_owned(), function.to_owned()));
    let mut text = String::from("#include <Python.h>\n");
    for (_, function) in core.iter().chain(modules) {
        text += &format!("extern PyObject *{function}(void);\n");
    }
    text += "struct _inittab _PyImport_Inittab[] = {\n";
    for (name, function) in core.iter().chain(modules) {
        text += &format!("    {{\"{name}\", {function}}},\n");
    }
    text += "    {\"builtins\", NULL},\n    {\"sys\", NULL},\n    {NULL, NULL},\n};\n";
    text
}
