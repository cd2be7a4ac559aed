//! The functions of WASI preview 1.

/// The functions of WASI preview 1 except `proc_exit`, each with a letter for the kind of each argument.
/// Capitals are 64 bits wide.
///
/// `d` a descriptor, `x` one that is closed; `p` the address of a path and `l` its length; `b` the address of
/// a buffer and `n` its length; `v` the address of an array of iovecs, `s` of subscriptions, and `c` their
/// number; `o` open flags, `w` whence, `f` other flags; `O` an offset or size, `R` rights, `T` a time.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("args_get", "bb"),
    ("args_sizes_get", "bb"),
    ("clock_res_get", "fb"),
    ("clock_time_get", "fTb"),
    ("environ_get", "bb"),
    ("environ_sizes_get", "bb"),
    ("fd_advise", "dOOf"),
    ("fd_allocate", "dOO"),
    ("fd_close", "x"),
    ("fd_datasync", "d"),
    ("fd_fdstat_get", "db"),
    ("fd_fdstat_set_flags", "df"),
    ("fd_fdstat_set_rights", "dRR"),
    ("fd_filestat_get", "db"),
    ("fd_filestat_set_size", "dO"),
    ("fd_filestat_set_times", "dTTf"),
    ("fd_pread", "dvcOb"),
    ("fd_prestat_dir_name", "dbn"),
    ("fd_prestat_get", "db"),
    ("fd_pwrite", "dvcOb"),
    ("fd_read", "dvcb"),
    ("fd_readdir", "dbnOb"),
    ("fd_renumber", "xx"),
    ("fd_seek", "dOwb"),
    ("fd_sync", "d"),
    ("fd_tell", "db"),
    ("fd_write", "dvcb"),
    ("path_create_directory", "dpl"),
    ("path_filestat_get", "dfplb"),
    ("path_filestat_set_times", "dfplTTf"),
    ("path_link", "dfpldpl"),
    ("path_open", "dfploRRfb"),
    ("path_readlink", "dplbnb"),
    ("path_remove_directory", "dpl"),
    ("path_rename", "dpldpl"),
    ("path_symlink", "pldpl"),
    ("path_unlink_file", "dpl"),
    ("poll_oneoff", "sbcb"),
    ("proc_raise", "f"),
    ("random_get", "bn"),
    ("sched_yield", ""),
    ("sock_accept", "dfb"),
    ("sock_recv", "dvcfbb"),
    ("sock_send", "dvcfb"),
    ("sock_shutdown", "df"),
];

/// Returns the type of an argument.
pub fn width(kind: char) -> &'static str {
    if kind.is_ascii_uppercase() {
        "i64"
    } else {
        "i32"
    }
}

/// Returns an import of `function`, which takes arguments of these `kinds`, under this name.
pub fn import(function: &str, kinds: &str, name: &str) -> String {
    let types: String = kinds
        .chars()
        .map(|kind| format!(" {}", width(kind)))
        .collect();
    format!(
        r#"(import "wasi_snapshot_preview1" "{function}" (func {name} (param{types}) (result i32)))"#
    )
}

/// Returns the index of a function.
pub fn number(name: &str) -> usize {
    let found = FUNCTIONS.iter().position(|(function, _)| *function == name);
    found.expect("WASI has the function")
}
