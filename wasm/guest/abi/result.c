#include "abi/result.h"

#include <stdio.h>
#include <string.h>

#include "abi/abi.h"

static PyObject *result;

/* The location that the host reads. */
static struct {
    const char *text;
    Py_ssize_t size;
} location;

/* JSON text is ASCII, so a str's data is its encoding. */
int set_result(PyObject *text)
{
    if (text == NULL || !PyUnicode_Check(text)) {
        Py_XDECREF(text);
        return 0;
    }
    Py_XSETREF(result, text);
    location.text = PyUnicode_AsUTF8AndSize(text, &location.size);
    return location.text != NULL;
}

void set_fallback_result(const char *text)
{
    static char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    location.text = copy;
    location.size = strlen(copy);
}

void release_result(void)
{
    Py_CLEAR(result);
    location.text = NULL;
    location.size = 0;
}

EXPORT("result_ptr") const char *result_ptr(void)
{
    return location.text;
}

EXPORT("result_len") size_t result_len(void)
{
    return location.size;
}
