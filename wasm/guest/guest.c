/* The guest's side of the agreement with the host (src/sandbox/guest.rs is the other side).
 *
 *     init()                  starts CPython; called once, at build time, before the snapshot
 *     alloc(len) -> ptr       room for the script
 *     run(ptr, len) -> status runs the script at ptr; UTF-8; see `enum status`
 *     result_ptr(), result_len()  what there is to say about the status, UTF-8
 *     unwritten_len(fd), unwritten_ptr()  when a run was ended from outside: what it has written to
 *                             stdout (1) or stderr (2) and Python still holds
 *
 * (`freeze` and `frozen_ptr`, in deepfreeze.c, are for the build.)
 *
 * A request's way is told here in C, so that no frame of ours is ever on Python's stack: a script
 * sees only itself, and so does a reader of its tracebacks. What goes wrong is put into words in
 * Python, by lib/_sandbox/failure.py. */

#include "guest.h"

#include <internal/pycore_global_strings.h>
#include <internal/pycore_runtime.h>
#include <marshal.h>
#include <stdlib.h>
#include <string.h>

/* From CPython's random module, edited: the generator is seeded when it is first used. */
void random_seed_later(PyObject *generator);
int keep_startup_names(void);

/* From CPython's asyncio, edited: the names of tasks start at Task-1 again. */
void number_tasks_anew(PyObject *module);

/* From CPython's text streams, edited: what was written to one and has not left Python. */
Py_ssize_t textio_copy_unwritten(PyObject *stream, char *to, Py_ssize_t room);

/* How a run ended, and what the text that goes with it holds. */
enum status {
    RESULT = 0,           /* the result as JSON */
    SYNTAX_ERROR = 1,     /* Python's message */
    NO_MAIN = 2,          /* what `main` is instead */
    EXCEPTION = 3,        /* the last line of Python's traceback */
    NOT_SERIALIZABLE = 4, /* why */
    OUT_OF_MEMORY = 5,    /* nothing */
    EXITED = 6,           /* the exit code, in decimal */
};

/* What the run was at when something went wrong; failure.py wants to know. */
enum step { COMPILING = 0, EXECUTING = 1, CALLING = 2, ENCODING = 3 };

/* Made before the snapshot. */
static PyObject *script_globals; /* of the module `script`, which waits for its code */
static PyObject *new_script;     /* makes that module */
static PyObject *encode;         /* value -> pieces of JSON */
static PyObject *await_main;     /* runs a coroutine to its end */
static PyObject *describe;       /* (exception, step, subject, stderr) -> (status, text) */
static PyObject *run_at_exit;    /* calls what the script has registered with atexit */
static PyObject *stdout_stream;  /* sys.stdout as it was at the start */
static PyObject *stderr_stream;  /* sys.stderr as it was at the start */

/* Of the run. */
static char *script;
static PyObject *script_code;
static PyObject *main_function;
static PyObject *value;
static PyObject *result;
static const char *result_text;
static Py_ssize_t result_size;

/* The module `_script`: the script's source, for tracebacks and `inspect`. */
static PyObject *source(PyObject *module, PyObject *unused)
{
    return PyUnicode_FromString(script == NULL ? "" : script);
}

static PyMethodDef script_methods[] = {
    {"source", source, METH_NOARGS, PyDoc_STR("source()\n--\n\nThe script's source text.")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef script_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_script",
    .m_methods = script_methods,
};

static PyObject *PyInit__script(void)
{
    return PyModule_Create(&script_definition);
}

/* --- a run --- */

EXPORT("alloc") void *alloc(size_t size)
{
    script = malloc(size + 1);
    return script;
}

static PyObject *compile_script(size_t size)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (memchr(script, 0, size) != NULL) {
        PyErr_SetString(PyExc_SyntaxError, "source code string cannot contain null bytes");
        return NULL;
    }
    if (strncmp(script, byte_order_mark, 3) == 0) {
        script += 3;
    }
    /* The source came as text, so a declared encoding means nothing. */
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    return Py_CompileStringExFlags(script, "script.py", Py_file_input, &flags, -1);
}

static int call_main(void)
{
    value = PyObject_CallNoArgs(main_function);
    if (value != NULL && PyCoro_CheckExact(value)) {
        Py_SETREF(value, PyObject_CallOneArg(await_main, value));
    }
    return value != NULL;
}

/* JSON text is ASCII, so a str's data is its encoding. */
static int set_result(PyObject *text)
{
    if (text == NULL || !PyUnicode_Check(text)) {
        Py_XDECREF(text);
        return 0;
    }
    result = text;
    result_text = PyUnicode_AsUTF8AndSize(text, &result_size);
    return result_text != NULL;
}

static int encode_result(void)
{
    PyObject *pieces = PyObject_CallFunction(encode, "Oi", value, 0);
    if (pieces == NULL) {
        return 0;
    }
    PyObject *empty = PyUnicode_FromString("");
    PyObject *text = empty == NULL ? NULL : PyUnicode_Join(empty, pieces);
    Py_XDECREF(empty);
    Py_DECREF(pieces);
    return set_result(text);
}

/* Where memory is gone, the frames that a MemoryError has passed through may hold all of it; to report the
 * exception takes some. */
static void drop_locals(PyObject *exception)
{
    enum { LONGEST_CHAIN = 100 };
    for (int i = 0; exception != NULL && i < LONGEST_CHAIN; i++) {
        PyBaseExceptionObject *self = (PyBaseExceptionObject *)exception;
        if (PyErr_GivenExceptionMatches(exception, PyExc_MemoryError)) {
            for (PyTracebackObject *at = (PyTracebackObject *)self->traceback; at != NULL; at = at->tb_next) {
                Py_XDECREF(PyObject_CallMethodNoArgs((PyObject *)at->tb_frame, &_Py_ID(clear)));
                PyErr_Clear();
            }
        }
        exception = self->context;
    }
}

/* Puts the pending exception into words. When even that goes wrong, the type's name must do. */
static int report(enum step step)
{
    static char fallback[256];
    PyObject *exception = PyErr_GetRaisedException();
    if (exception == NULL) {
        snprintf(fallback, sizeof fallback, "SystemError: no exception set");
        result_text = fallback;
        result_size = strlen(fallback);
        return EXCEPTION;
    }
    drop_locals(exception);
    int status = -1;
    PyObject *text = NULL;
    PyObject *subject = step == ENCODING ? value : main_function;
    PyObject *answer = PyObject_CallFunction(describe, "OiOO", exception, (int)step,
                                             subject == NULL ? Py_None : subject, stderr_stream);
    if (answer != NULL && PyTuple_Check(answer) && PyArg_ParseTuple(answer, "iU", &status, &text)
        && status != RESULT && set_result(Py_NewRef(text))) {
        /* With it go the frames it has passed through, and what only they hold: generators that are
         * closed now may have something to print, as at the end of any Python. */
        Py_DECREF(exception);
        return status;
    }
    PyErr_Clear();
    if (PyErr_GivenExceptionMatches(exception, PyExc_MemoryError)) {
        result_size = 0;
        return OUT_OF_MEMORY;
    }
    snprintf(fallback, sizeof fallback, "%s", Py_TYPE(exception)->tp_name);
    result_text = fallback;
    result_size = strlen(fallback);
    return EXCEPTION;
}

static int run_script(size_t size)
{
    script_code = compile_script(size);
    if (script_code == NULL) {
        return report(COMPILING);
    }
    PyObject *nothing = PyEval_EvalCode(script_code, script_globals, script_globals);
    if (nothing == NULL) {
        return report(EXECUTING);
    }
    main_function = PyDict_GetItemString(script_globals, "main");
    Py_XINCREF(main_function);
    if (main_function == NULL || !PyCallable_Check(main_function)) {
        PyObject *type = main_function == NULL ? NULL : PyType_GetQualName(Py_TYPE(main_function));
        if (type == NULL || !set_result(PyUnicode_FromFormat(", but main is of type %S", type))) {
            result_size = 0;
        }
        PyErr_Clear();
        return NO_MAIN;
    }
    if (!call_main()) {
        return report(CALLING);
    }
    return encode_result() ? RESULT : report(ENCODING);
}

/* Writes out what a stream holds. What goes wrong has no reader. */
static void flush(PyObject *stream)
{
    if (stream != NULL) {
        Py_INCREF(stream);
        Py_XDECREF(PyObject_CallMethodNoArgs(stream, &_Py_ID(flush)));
        PyErr_Clear();
        Py_DECREF(stream);
    }
}

/* Calls what the script has registered with atexit, and writes out what the standard streams hold
 * and what it has put in their place. */
static void finish(void)
{
    Py_XDECREF(PyObject_CallNoArgs(run_at_exit));
    PyErr_Clear();
    flush(PySys_GetObject("stdout"));
    flush(PySys_GetObject("stderr"));
    flush(stdout_stream);
    flush(stderr_stream);
}

EXPORT("run") int run(char *at, size_t size)
{
    script = at;
    script[size] = 0;
    int status = run_script(size);
    finish();
    return status;
}

EXPORT("result_ptr") const char *result_ptr(void)
{
    return result_text;
}

EXPORT("result_len") size_t result_len(void)
{
    return result_size;
}

/* --- after a run that has not come to its end: nothing here may call Python --- */

/* Room for what a text stream gathers, and the buffer behind it. */
static char unwritten_text[2 * 8192];

EXPORT("unwritten_len") size_t unwritten_len(int fd)
{
    return textio_copy_unwritten(fd == 1 ? stdout_stream : stderr_stream, unwritten_text, sizeof unwritten_text);
}

EXPORT("unwritten_ptr") const char *unwritten_ptr(void)
{
    return unwritten_text;
}

/* --- the start-up, once, before the snapshot --- */

/* The importer of the standard library cannot import itself. */
static void start_importer(void)
{
    int size = archive_size("_sandbox/importer.pyc");
    char *bytes = size < 0 ? NULL : malloc(size);
    if (bytes == NULL) {
        give_up("loading the importer");
    }
    archive_read("_sandbox/importer.pyc", bytes);
    PyObject *code = PyMarshal_ReadObjectFromString(bytes, size);
    free(bytes);
    PyObject *importer = code == NULL ? NULL : PyImport_ExecCodeModule("_sandbox.importer", code);
    if (importer == NULL) {
        give_up("starting the importer");
    }
    Py_DECREF(importer);
    Py_DECREF(code);
}

static PyObject *attribute(PyObject *module, const char *name)
{
    PyObject *value = PyObject_GetAttrString(module, name);
    if (value == NULL) {
        give_up(name);
    }
    return value;
}

static void call(PyObject *module, const char *function)
{
    PyObject *value = PyObject_CallMethod(module, function, NULL);
    if (value == NULL) {
        give_up(function);
    }
    Py_DECREF(value);
}

static void remember_streams(void)
{
    stdout_stream = Py_XNewRef(PySys_GetObject("stdout"));
    stderr_stream = Py_XNewRef(PySys_GetObject("stderr"));
    if (stdout_stream == NULL || stderr_stream == NULL) {
        give_up("looking for the standard streams");
    }
}

static void await_script(void)
{
    Py_CLEAR(script_code);
    Py_CLEAR(main_function);
    Py_CLEAR(value);
    Py_CLEAR(result);
    result_text = NULL;
    result_size = 0;
    script = NULL;
    script_globals = PyObject_CallNoArgs(new_script);
    if (script_globals == NULL) {
        give_up("making the script's module");
    }
}

/* Runs each of the harness's rehearsal scripts some times, so that what every run sets up once
 * (specialized bytecode, caches, buffers) is there already. */
static void rehearse(PyObject *scripts, int times)
{
    for (int turn = 0; turn < times; turn++) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(scripts); i++) {
            Py_ssize_t size;
            const char *source = PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(scripts, i), &size);
            char *at = source == NULL ? NULL : alloc(size);
            if (at == NULL) {
                give_up("rehearsing");
            }
            memcpy(at, source, size);
            run(at, size);
            free(at);
            Py_DECREF(script_globals);
            await_script();
        }
    }
}

EXPORT("init") void init(void)
{
    reserve_heap();
    open_archive();
    PyImport_AppendInittab("_archive", PyInit__archive);
    PyImport_AppendInittab("_script", PyInit__script);
    PyImport_AppendInittab("_scrypt", PyInit__scrypt);
    start_interpreter(1);
    start_importer();
    forget_frozen();

    PyObject *harness = PyImport_ImportModule("_sandbox.harness");
    if (harness == NULL) {
        give_up("importing the harness");
    }
    new_script = attribute(harness, "new_script");
    encode = attribute(harness, "encode");
    await_main = attribute(harness, "await_main");
    describe = attribute(harness, "describe");
    run_at_exit = attribute(harness, "run_at_exit");
    PyObject *scripts = attribute(harness, "rehearsal_scripts");
    remember_streams();
    await_script();
    rehearse(scripts, 10);
    call(harness, "settle");
    /* Before sealing: what is never freed leaves no new holes behind. */
    immortalize_heap();
    seal_heap();
    if (keep_startup_names() < 0) {
        give_up("keeping names apart");
    }
    call(harness, "renew_streams");
    remember_streams();
    rehearse(scripts, 3);
    call(harness, "settle");
    /* And what has been made since. */
    immortalize_heap();
    seal_heap_again();
    PyObject *generator = attribute(harness, "random_generator");
    random_seed_later(generator);
    number_tasks_anew(PyImport_ImportModule("_asyncio"));
    begin_reserve();
}
