/* Starts CPython, and stands in for the parts of it that look for the standard library on disk:
 * Python/frozen.c and Modules/getpath.c. */

#include "startup/interpreter.h"

#include <Python.h>

#include <stdbool.h>
#include <stdlib.h>
#include <internal/pycore_import.h>
#include <internal/pycore_obmalloc.h>
#include <internal/pycore_pathconfig.h>
#include <internal/pycore_pystate.h>

#include "fatal.h"
#include "heap/heap.h"
#include "modules/archive.h"

/* Text of the number that a macro stands for. */
#define DIGITS(number) #number
#define WIDE_DIGITS(number) L"" DIGITS(number)


/* Modules that have to exist before the importer does: the importer itself and all that the start of the
 * interpreter imports. `start_interpreter` fills in the code. */
static struct _frozen bootstrap_modules[] = {
    {"_frozen_importlib"},
    {"_frozen_importlib_external"},
    {"zipimport"},
    {NULL},
};
static struct _frozen startup_modules[] = {
    {"abc"},
    {"codecs"},
    {"encodings", .is_package = 1},
    {"encodings.aliases"},
    {"encodings.utf_8"},
    {"io"},
    {NULL},
};
static const struct _frozen no_modules[] = {{NULL}};
static const struct _module_alias aliases[] = {
    {"_frozen_importlib", "importlib._bootstrap"},
    {"_frozen_importlib_external", "importlib._bootstrap_external"},
    {NULL, NULL},
};

const struct _frozen *_PyImport_FrozenBootstrap = bootstrap_modules;
const struct _frozen *_PyImport_FrozenStdlib = startup_modules;
const struct _frozen *_PyImport_FrozenTest = no_modules;
const struct _frozen *PyImport_FrozenModules = NULL;
const struct _module_alias *_PyImport_FrozenAliases = aliases;

/* The paths of the modules above in the archive, in the same order. */
static const char *const bootstrap_paths[] = {
    "importlib/_bootstrap.pyc",
    "importlib/_bootstrap_external.pyc",
    "zipimport.pyc",
};
static const char *const startup_paths[] = {
    "abc.pyc",
    "codecs.pyc",
    "encodings/__init__.pyc",
    "encodings/aliases.pyc",
    "encodings/utf_8.pyc",
    "io.pyc",
};

/* There is nothing to look for: every path is given. */
PyStatus _PyConfig_InitPathConfig(PyConfig *config, int compute_path_config)
{
    return PyStatus_Ok();
}

static void load_frozen(struct _frozen *modules, const char *const *paths)
{
    for (; modules->name != NULL; modules++, paths++) {
        int size = archive_size(*paths);
        unsigned char *code = size < 0 ? NULL : malloc(size);
        if (code == NULL) {
            fatal(*paths);
        }
        archive_read(*paths, code);
        modules->code = code;
        modules->size = size;
    }
}

static void check(PyStatus status, const char *step)
{
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "guest: %s: %s\n", status.func ? status.func : "?", status.err_msg ? status.err_msg : "?");
        fatal(step);
    }
}

static void set(PyConfig *config, wchar_t **field, const wchar_t *value)
{
    check(PyConfig_SetString(config, field, value), "setting a path");
}

/* The code of these modules has run; whoever imports them again finds them in the archive. */
static void unload_frozen(struct _frozen *modules)
{
    for (struct _frozen *module = modules; module->name != NULL; module++) {
        free((void *)module->code);
    }
    modules->name = NULL;
}

void forget_frozen(void)
{
    unload_frozen(bootstrap_modules);
    unload_frozen(startup_modules);
}

/* Aligned as the object allocator needs it: otherwise it would leave out the first page of each. */
static void *allocate_arena(void *context, size_t size)
{
    void *arena;
    if (posix_memalign(&arena, POOL_SIZE, size) != 0) {
        return NULL;
    }
    refill_reserve();
    return arena;
}

static void free_arena(void *context, void *arena, size_t size)
{
    free(arena);
}

void start_interpreter(int with_importer)
{
    PyObjectArenaAllocator arenas = {NULL, allocate_arena, free_arena};
    PyObject_SetArenaAllocator(&arenas);

    PyPreConfig preconfig;
    PyPreConfig_InitIsolatedConfig(&preconfig);
    preconfig.utf8_mode = 1;
    check(Py_PreInitialize(&preconfig), "preinitialization");

    if (with_importer) {
        load_frozen(bootstrap_modules, bootstrap_paths);
        load_frozen(startup_modules, startup_paths);
    }

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config._install_importlib = with_importer;
    config.site_import = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 0;
    config.pathconfig_warnings = 0;
    /* The snapshot fixes the hash seed; zero makes the build reproducible. */
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    /* No sys.path: the archive and the modules that are compiled in are all there is. */
    config.module_search_paths_set = 1;
    set(&config, &config.program_name, L"python");
    set(&config, &config.executable, L"");
    set(&config, &config.base_executable, L"");
    set(&config, &config.home, L"/");
    set(&config, &config.prefix, L"/");
    set(&config, &config.exec_prefix, L"/");
    set(&config, &config.base_prefix, L"/");
    set(&config, &config.base_exec_prefix, L"/");
    set(&config, &config.platlibdir, L"lib");
    set(&config, &config.stdlib_dir, L"/lib/python" WIDE_DIGITS(PY_MAJOR_VERSION) L"." WIDE_DIGITS(PY_MINOR_VERSION));
    set(&config, &config.stdio_encoding, L"utf-8");
    set(&config, &config.stdio_errors, L"backslashreplace");
    check(Py_InitializeFromConfig(&config), "initialization");
    PyConfig_Clear(&config);
    /* Compiled code takes this for a constant (edits/speed.toml). */
    if (PyThreadState_GetUnchecked() != _PyThreadState_GET()) {
        fatal("finding the only thread");
    }
}
