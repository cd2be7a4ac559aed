#include "abi/streams.h"

#include <internal/pycore_global_strings.h>
#include <internal/pycore_runtime.h>

#include "abi/abi.h"
#include "fatal.h"

/* From CPython's text streams, edited: copies output that was written to one and is still in Python. */
Py_ssize_t textio_copy_pending(PyObject *stream, char *to, Py_ssize_t room);

static PyObject *stdout_stream;
static PyObject *stderr_stream;

void bind_streams(void)
{
    Py_XSETREF(stdout_stream, Py_XNewRef(PySys_GetObject("stdout")));
    Py_XSETREF(stderr_stream, Py_XNewRef(PySys_GetObject("stderr")));
    if (stdout_stream == NULL || stderr_stream == NULL) {
        fatal("looking for the standard streams");
    }
}

PyObject *bound_stderr(void)
{
    return stderr_stream;
}

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

void flush_streams(void)
{
    flush(PySys_GetObject("stdout"));
    flush(PySys_GetObject("stderr"));
    flush(stdout_stream);
    flush(stderr_stream);
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
