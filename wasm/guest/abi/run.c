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
#include "abi/result.h"
#include "abi/streams.h"
#include "fatal.h"
#include "modules/display.h"
#include "modules/script.h"

/* The step of a run in which an exception was raised, for failure.py. */
enum step { COMPILING = 0, EXECUTING = 1, CALLING = 2, ENCODING = 3 };

/* Functions of the harness. */
static PyObject *new_run;     /* () -> (namespace, encode): makes what is new for each run */
static PyObject *apply_input; /* (text) -> (arguments of main, keyword arguments, is_cell, is_live) */
static PyObject *await_main;  /* runs a coroutine to its end */
static PyObject *compile_cell; /* (source) -> (codes, whether any of them awaits) */
static PyObject *await_cell;  /* (codes, namespace) -> the value of the last */
static PyObject *encode_cell; /* (value, encode) -> JSON */
static PyObject *describe;    /* (exception, step, subject, stderr) -> (status, text) */
static PyObject *run_at_exit; /* calls the functions that the script has registered with atexit */

/* One run's. `namespace` and `encode` are made before the run. */
static int is_prepared;
static PyObject *namespace;
static PyObject *encode; /* value -> pieces of JSON */
static char *script_block;
static PyObject *arguments; /* of `main`; NULL without input */
static PyObject *keyword_arguments;
static int is_cell;
static PyObject *script_code; /* of a cell: what compile_cell returns */
static PyObject *main_function;
static PyObject *value;

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
    apply_input = attribute(harness, "apply_input");
    await_main = attribute(harness, "await_main");
    compile_cell = attribute(harness, "compile_cell");
    await_cell = attribute(harness, "await_cell");
    encode_cell = attribute(harness, "encode_cell");
    describe = attribute(harness, "describe");
    run_at_exit = attribute(harness, "run_at_exit");
    bind_streams();
}

EXPORT(ABI_VERSION) void abi_version(void)
{
}

/* One byte more, for the NUL that Python's compiler wants at the end of a source. */
EXPORT("alloc") void *alloc(size_t size)
{
    return size == SIZE_MAX ? NULL : malloc(size + 1);
}

/* --- before and after a run --- */

static void finish(void)
{
    Py_XDECREF(PyObject_CallNoArgs(run_at_exit));
    PyErr_Clear();
    flush_streams();
}

static void release_arguments(void)
{
    Py_CLEAR(arguments);
    Py_CLEAR(keyword_arguments);
}

static void release_last_run(void)
{
    release_arguments();
    Py_CLEAR(value);
    Py_CLEAR(main_function);
    Py_CLEAR(script_code);
    if (namespace != NULL) {
        /* The namespace of the first run is immortal: it would keep all that is in it. */
        _PyModule_ClearDict(namespace);
    }
    Py_CLEAR(namespace);
    Py_CLEAR(encode);
    release_result();
    forget_shown();
    is_cell = 0;
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

/* Has the harness decode the input and set what it asks for. */
static int take_input(char *block, size_t size)
{
    PyObject *text = PyUnicode_DecodeUTF8(block, size, NULL);
    free(block);
    PyObject *taken = text == NULL ? NULL : PyObject_CallOneArg(apply_input, text);
    Py_XDECREF(text);
    int is_live = 0;
    int is_valid = taken != NULL && PyArg_ParseTuple(taken, "OOpp", &arguments, &keyword_arguments, &is_cell, &is_live);
    if (is_valid) {
        Py_INCREF(arguments);
        Py_INCREF(keyword_arguments);
    }
    Py_XDECREF(taken);
    if (is_live) {
        bind_streams();
    }
    return is_valid;
}

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
    if (is_cell) {
        return PyObject_CallFunction(compile_cell, "s", script);
    }
    /* The source came as text, so a declared encoding means nothing. */
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    return Py_CompileStringExFlags(script, "script.py", Py_file_input, &flags, -1);
}

static int has_arguments(void)
{
    return arguments != NULL && (PyTuple_GET_SIZE(arguments) > 0 || PyDict_GET_SIZE(keyword_arguments) > 0);
}

static int call_main(void)
{
    value = has_arguments() ? PyObject_Call(main_function, arguments, keyword_arguments)
                            : PyObject_CallNoArgs(main_function);
    if (value != NULL && PyCoro_CheckExact(value)) {
        Py_SETREF(value, PyObject_CallOneArg(await_main, value));
    }
    return value != NULL;
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
                                                subject == NULL ? Py_None : subject, bound_stderr());
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

/* There is no `main`, or it cannot be called. */
static int report_no_main(void)
{
    static const char alternative[] = ", or options.mode must be \"cell\"";
    PyObject *type = main_function == NULL ? NULL : PyType_GetQualName(Py_TYPE(main_function));
    if (type == NULL || !set_result(PyUnicode_FromFormat("%s: main is of type %S", alternative, type))) {
        set_fallback_result(alternative);
    }
    Py_XDECREF(type);
    PyErr_Clear();
    return NO_MAIN;
}

static PyObject *run_parts(void)
{
    PyObject *codes, *last = NULL;
    int awaits;
    if (!PyArg_ParseTuple(script_code, "O!p", &PyTuple_Type, &codes, &awaits)) {
        return NULL;
    }
    if (awaits) {
        return PyObject_CallFunctionObjArgs(await_cell, codes, namespace, NULL);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++) {
        Py_XSETREF(last, PyEval_EvalCode(PyTuple_GET_ITEM(codes, i), namespace, namespace));
        if (last == NULL) {
            return NULL;
        }
    }
    return last;
}

/* Runs the statements of a cell and encodes the value of its last expression. */
static int run_cell(void)
{
    value = run_parts();
    if (value == NULL || !set_result(PyObject_CallFunctionObjArgs(encode_cell, value, encode, NULL))) {
        return report(EXECUTING);
    }
    return RESULT;
}

/* Compiles the script, runs it, calls its `main` and encodes the value that comes back. */
static int run_script(const char *script, size_t size)
{
    script_code = compile_script(script, size);
    if (script_code == NULL) {
        return report(COMPILING);
    }
    if (is_cell) {
        return run_cell();
    }
    PyObject *nothing = PyEval_EvalCode(script_code, namespace, namespace);
    if (nothing == NULL) {
        return report(EXECUTING);
    }
    Py_DECREF(nothing);
    main_function = PyDict_GetItemString(namespace, "main");
    Py_XINCREF(main_function);
    if (main_function == NULL || !PyCallable_Check(main_function)) {
        return report_no_main();
    }
    if (!call_main()) {
        enum step step = has_arguments() ? EXECUTING : CALLING;
        release_arguments();
        return report(step);
    }
    return encode_result() ? RESULT : report(ENCODING);
}

EXPORT("run") int run(char *script, size_t script_size, char *input, size_t input_size)
{
    int is_ready = prepare_run();
    is_prepared = 0;
    script_block = script;
    script[script_size] = 0;
    if (input_size > 0) {
        is_ready = is_ready && take_input(input, input_size);
    }
    int status = is_ready ? run_script(script, script_size) : report(EXECUTING);
    finish();
    return status;
}
