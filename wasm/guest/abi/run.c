/* The exports of a run: the guest's side of the ABI (abi.h).
 *
 * A script is compiled and run, and its result encoded, here in C, so that no frame of the harness is ever on
 * Python's stack: a script sees only itself, and so does a reader of its tracebacks. Errors are described in
 * Python, by lib/_sandbox/failure.py.
 *
 * An instance can run one script after the other. New for each run are the namespace (`__main__`, sys.argv), a
 * stdin without the input that the last script left in its buffer, and the encoder. Everything else stays as
 * the last script left it: imported modules with all that was changed in them (sys.path, sys.stdout, the
 * random generator's state), the environment, the current directory, open files and the heap's size. The
 * namespace of the last run is cleared as Python clears that of `__main__` when it ends: functions of the
 * script to which modules still refer find None in place of their globals. */

#include "abi/run.h"

#include <internal/pycore_global_strings.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_runtime.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "fatal.h"
#include "modules/script.h"

/* From CPython's text streams, edited: copies output that was written to one and is still in Python. */
Py_ssize_t textio_copy_pending(PyObject *stream, char *to, Py_ssize_t room);

/* The step of a run in which an exception was raised, for failure.py. */
enum step { COMPILING = 0, EXECUTING = 1, CALLING = 2, ENCODING = 3 };

/* Functions of the harness. */
static PyObject *new_run;     /* () -> (namespace, encode): makes what is new for each run */
static PyObject *await_main;  /* runs a coroutine to its end */
static PyObject *describe;    /* (exception, step, subject, stderr) -> (status, text) */
static PyObject *run_at_exit; /* calls the functions that the script has registered with atexit */

/* sys.stdout and sys.stderr as they were at the start. */
static PyObject *stdout_stream;
static PyObject *stderr_stream;

/* One run's. `namespace` and `encode` are made before the run. */
static int is_prepared;
static PyObject *namespace;
static PyObject *encode; /* value -> pieces of JSON */
static char *script_block;
static PyObject *script_code;
static PyObject *main_function;
static PyObject *value;
static PyObject *result;
static const char *result_text;
static Py_ssize_t result_size;

static PyObject *attribute(PyObject *module, const char *name)
{
    PyObject *value = PyObject_GetAttrString(module, name);
    if (value == NULL) {
        fatal(name);
    }
    return value;
}

void bind_harness(PyObject *harness)
{
    new_run = attribute(harness, "new_run");
    await_main = attribute(harness, "await_main");
    describe = attribute(harness, "describe");
    run_at_exit = attribute(harness, "run_at_exit");
    bind_streams();
}

void bind_streams(void)
{
    stdout_stream = Py_XNewRef(PySys_GetObject("stdout"));
    stderr_stream = Py_XNewRef(PySys_GetObject("stderr"));
    if (stdout_stream == NULL || stderr_stream == NULL) {
        fatal("looking for the standard streams");
    }
}

EXPORT("abi_version") uint32_t abi_version(void)
{
    return ABI_VERSION;
}

/* One byte more, for the NUL that Python's compiler wants at the end of a source. */
EXPORT("alloc") void *alloc(size_t size)
{
    return size == SIZE_MAX ? NULL : malloc(size + 1);
}

/* --- before and after a run --- */

/* Flushes a stream. An error cannot be reported to the script any more. */
static void flush(PyObject *stream)
{
    if (stream != NULL) {
        Py_INCREF(stream);
        Py_XDECREF(PyObject_CallMethodNoArgs(stream, &_Py_ID(flush)));
        PyErr_Clear();
        Py_DECREF(stream);
    }
}

/* Flushes the standard streams and those that the script has put in their place. */
static void flush_streams(void)
{
    flush(PySys_GetObject("stdout"));
    flush(PySys_GetObject("stderr"));
    flush(stdout_stream);
    flush(stderr_stream);
}

static void finish(void)
{
    Py_XDECREF(PyObject_CallNoArgs(run_at_exit));
    PyErr_Clear();
    flush_streams();
}

static void release_last_run(void)
{
    Py_CLEAR(value);
    Py_CLEAR(main_function);
    Py_CLEAR(script_code);
    if (namespace != NULL) {
        /* The namespace of the first run is immortal: it would keep all that is in it. */
        _PyModule_ClearDict(namespace);
    }
    Py_CLEAR(namespace);
    Py_CLEAR(encode);
    Py_CLEAR(result);
    result_text = NULL;
    result_size = 0;
    set_script_source("");
    free(script_block);
    script_block = NULL;
    /* Destructors may have printed. */
    flush_streams();
}

int prepare_run(void)
{
    if (is_prepared) {
        return 1;
    }
    release_last_run();
    PyObject *made = PyObject_CallNoArgs(new_run);
    if (made == NULL || !PyArg_ParseTuple(made, "OO", &namespace, &encode)) {
        Py_XDECREF(made);
        return 0;
    }
    Py_INCREF(namespace);
    Py_INCREF(encode);
    Py_DECREF(made);
    is_prepared = 1;
    return 1;
}

/* --- a run --- */

static PyObject *compile_script(const char *script, size_t size)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    set_script_source(script);
    if (memchr(script, 0, size) != NULL) {
        PyErr_SetString(PyExc_SyntaxError, "source code string cannot contain null bytes");
        return NULL;
    }
    if (strncmp(script, byte_order_mark, strlen(byte_order_mark)) == 0) {
        script += strlen(byte_order_mark);
        set_script_source(script);
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
    Py_XSETREF(result, text);
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

/* Frees memory for the report of a MemoryError: the frames that it has passed through may hold all there is. */
static void drop_locals(PyObject *exception)
{
    enum { MAX_CHAIN = 100 };
    for (int i = 0; exception != NULL && i < MAX_CHAIN; i++) {
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

static void set_fallback_result(const char *text)
{
    static char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    result_text = copy;
    result_size = strlen(copy);
}

/* Describes the pending exception. If even that fails, the text is the name of its type. */
static int report(enum step step)
{
    PyObject *exception = PyErr_GetRaisedException();
    if (exception == NULL) {
        set_fallback_result("SystemError: no exception set");
        return EXCEPTION;
    }
    drop_locals(exception);
    int status = -1;
    PyObject *text = NULL;
    PyObject *subject = step == ENCODING ? value : main_function;
    PyObject *described = PyObject_CallFunction(describe, "OiOO", exception, (int)step,
                                                subject == NULL ? Py_None : subject, stderr_stream);
    if (described == NULL || !PyTuple_Check(described) || !PyArg_ParseTuple(described, "iU", &status, &text)
        || status == RESULT || !set_result(Py_NewRef(text))) {
        PyErr_Clear();
        int is_memory_error = PyErr_GivenExceptionMatches(exception, PyExc_MemoryError);
        status = is_memory_error ? OUT_OF_MEMORY : EXCEPTION;
        set_fallback_result(is_memory_error ? "" : Py_TYPE(exception)->tp_name);
    }
    Py_XDECREF(described);
    /* With it go the frames it has passed through, and what only they hold: generators that are
     * closed now may have something to print, as at the end of any Python. */
    Py_DECREF(exception);
    return status;
}

/* Compiles the script, runs it, calls its `main` and encodes the value that comes back. */
static int run_script(const char *script, size_t size)
{
    script_code = compile_script(script, size);
    if (script_code == NULL) {
        return report(COMPILING);
    }
    PyObject *nothing = PyEval_EvalCode(script_code, namespace, namespace);
    if (nothing == NULL) {
        return report(EXECUTING);
    }
    Py_DECREF(nothing);
    main_function = PyDict_GetItemString(namespace, "main");
    Py_XINCREF(main_function);
    if (main_function == NULL || !PyCallable_Check(main_function)) {
        PyObject *type = main_function == NULL ? NULL : PyType_GetQualName(Py_TYPE(main_function));
        if (type == NULL || !set_result(PyUnicode_FromFormat(", but main is of type %S", type))) {
            result_size = 0;
        }
        Py_XDECREF(type);
        PyErr_Clear();
        return NO_MAIN;
    }
    if (!call_main()) {
        return report(CALLING);
    }
    return encode_result() ? RESULT : report(ENCODING);
}

EXPORT("run") int run(char *block, size_t size)
{
    int is_ready = prepare_run();
    is_prepared = 0;
    script_block = block;
    block[size] = 0;
    int status = is_ready ? run_script(block, size) : report(EXECUTING);
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

/* --- after a run that was interrupted: nothing here may call Python --- */

/* Room for the text that a stream has gathered, and for the buffer behind it. */
static char pending_output[2 * 8192];

EXPORT("pending_output_len") size_t pending_output_len(int fd)
{
    return textio_copy_pending(fd == 1 ? stdout_stream : stderr_stream, pending_output, sizeof pending_output);
}

EXPORT("pending_output_ptr") const char *pending_output_ptr(void)
{
    return pending_output;
}
