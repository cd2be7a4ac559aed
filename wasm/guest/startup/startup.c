/* The start-up, which runs once, at build time: the build keeps the memory that it leaves as the snapshot, and
 * each instance begins there. README.md beside this folder lists the steps. */

#include <Python.h>

#include <marshal.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "abi/run.h"
#include "abi/streams.h"
#include "fatal.h"
#include "heap/heap.h"
#include "modules/archive.h"
#include "modules/display.h"
#include "modules/script.h"
#include "modules/scrypt.h"
#include "startup/interpreter.h"

/* From CPython's random module, edited: the generator is seeded when it is first used. */
void random_seed_later(PyObject *generator);

/* From CPython's strings, edited: interned names of the start-up are kept apart from those of a run. */
int keep_startup_names(void);

/* From CPython's asyncio, edited: the names of tasks start at Task-1 again. */
void number_tasks_anew(PyObject *module);

/* How often the warm-up scripts run: until their bytecode is specialized, and, once the heap has its final
 * state, until the caches that were emptied are filled again. */
enum { WARM_UP_TIMES = 10, LATE_WARM_UP_TIMES = 3 };

/* The importer of the standard library cannot import itself. */
static void start_importer(void)
{
    int size = archive_size("_sandbox/importer.pyc");
    char *bytes = size < 0 ? NULL : malloc(size);
    if (bytes == NULL) {
        fatal("loading the importer");
    }
    archive_read("_sandbox/importer.pyc", bytes);
    PyObject *code = PyMarshal_ReadObjectFromString(bytes, size);
    free(bytes);
    PyObject *importer = code == NULL ? NULL : PyImport_ExecCodeModule("_sandbox.importer", code);
    if (importer == NULL) {
        fatal("starting the importer");
    }
    Py_DECREF(importer);
    Py_DECREF(code);
}

static void call(PyObject *module, const char *function)
{
    PyObject *value = PyObject_CallMethod(module, function, NULL);
    if (value == NULL) {
        fatal(function);
    }
    Py_DECREF(value);
}

static char *copy_block(const char *text, size_t size)
{
    char *block = alloc(size);
    if (block == NULL) {
        fatal("copying a warm-up script");
    }
    return memcpy(block, text, size);
}

/* A script with its input, a tuple of texts. */
static void run_warm_up_script(PyObject *script)
{
    const char *source, *input;
    Py_ssize_t source_size, input_size;
    if (!PyArg_ParseTuple(script, "s#s#", &source, &source_size, &input, &input_size)) {
        fatal("reading a warm-up script");
    }
    run(copy_block(source, source_size), source_size, input_size == 0 ? NULL : copy_block(input, input_size),
        input_size);
    if (!prepare_run()) {
        fatal("preparing a run");
    }
}

/* Runs the harness's warm-up scripts, as the host runs scripts, so that what every run sets up once
 * (specialized bytecode, caches, buffers) is there already. */
static void warm_up(PyObject *harness, int times)
{
    PyObject *scripts = PyObject_GetAttrString(harness, "warm_up_scripts");
    if (scripts == NULL) {
        fatal("looking for the warm-up scripts");
    }
    for (int time = 0; time < times; time++) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(scripts); i++) {
            run_warm_up_script(PyList_GET_ITEM(scripts, i));
        }
    }
    Py_DECREF(scripts);
}

static PyObject *start_python(void)
{
    open_archive();
    PyImport_AppendInittab("_archive", PyInit__archive);
    PyImport_AppendInittab("_display", PyInit__display);
    PyImport_AppendInittab("_script", PyInit__script);
    PyImport_AppendInittab("_scrypt", PyInit__scrypt);
    start_interpreter(1);
    start_importer();
    forget_frozen();
    PyObject *harness = PyImport_ImportModule("_sandbox.harness");
    if (harness == NULL) {
        fatal("importing the harness");
    }
    bind_harness(harness);
    return harness;
}

/* Sets back what the warm-up has moved on. */
static void reset_counters(PyObject *harness)
{
    PyObject *generator = PyObject_GetAttrString(harness, "random_generator");
    PyObject *asyncio = PyImport_ImportModule("_asyncio");
    if (generator == NULL || asyncio == NULL) {
        fatal("resetting counters");
    }
    random_seed_later(generator);
    number_tasks_anew(asyncio);
}

EXPORT("init") void init(void)
{
    reserve_region();
    PyObject *harness = start_python();
    warm_up(harness, WARM_UP_TIMES);
    call(harness, "finish_startup");
    /* First, because objects that are never freed leave no new holes behind. */
    immortalize_heap();
    retire_free_blocks();
    if (keep_startup_names() < 0) {
        fatal("keeping names apart");
    }
    call(harness, "renew_output_streams");
    bind_streams();
    warm_up(harness, LATE_WARM_UP_TIMES);
    call(harness, "finish_startup");
    immortalize_heap();
    retire_new_free_blocks();
    reset_counters(harness);
    begin_reserve();
}
