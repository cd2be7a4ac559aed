/* stdout and stderr of the interpreter. */

#ifndef GUEST_STREAMS_H
#define GUEST_STREAMS_H

#include <Python.h>

/* Remembers sys.stdout and sys.stderr as the streams that are flushed at the end of a run. */
void bind_streams(void);

/* The stream that was sys.stderr then. */
PyObject *bound_stderr(void);

/* Flushes the standard streams and those that the script has put in their place. */
void flush_streams(void);

#endif
