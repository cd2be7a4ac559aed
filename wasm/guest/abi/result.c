#include "abi/result.h"

#include <stdio.h>
#include <string.h>

#include "abi/abi.h"

static PyObject *result;
static const char *result_text;
static Py_ssize_t result_size;

/* JSON text is ASCII, so a str's data is its encoding. */
int set_result(PyObject *text)
{
    if (text == NULL || !PyUnicode_Check(text)) {
        Py_XDECREF(text);
        return 0;
    }
    Py_XSETREF(result, text);
    result_text = PyUnicode_AsUTF8AndSize(text, &result_size);
    return result_text != NULL;
}

void set_fallback_result(const char *text)
{
    static char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    result_text = copy;
    result_size = strlen(copy);
}

void release_result(void)
{
    Py_CLEAR(result);
    result_text = NULL;
    result_size = 0;
}

EXPORT("result_ptr") const char *result_ptr(void)
{
    return result_text;
}

EXPORT("result_len") size_t result_len(void)
{
    return result_size;
}
