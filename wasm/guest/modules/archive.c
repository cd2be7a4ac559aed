/* The standard library as a read-only set of files.
 *
 * The build puts the whole archive into the module's first data segment and makes that segment
 * passive: it stays outside linear memory, so that it does not count against a script's memory, and
 * `memory.init` copies out what an import needs. Layout, all numbers little-endian u32:
 *
 *     count, size of the names, then for each file the offset of its name
 *     the names, each ended by NUL, sorted; offsets count from the first name
 *     for each file: offset and size of its data; offsets count from the start of the archive
 *     the data
 *
 * Names stay in memory. The offset of a file's data is read each time: after the snapshot the build puts an
 * archive with frozen code in place of the first (build/freeze.c). */

#include "modules/archive.h"

#include <marshal.h>
#include <stdlib.h>
#include <string.h>

#include "fatal.h"
#include "modules/archive_data.h"
#include "modules/thaw.h"

typedef struct {
    uint32_t offset;
    uint32_t size;
} location;

static uint32_t file_count;
static uint32_t *name_offsets;
static char *names;
static uint32_t locations;

void open_archive(void)
{
    uint32_t head[2];
    archive_copy(head, 0, sizeof head);
    file_count = head[0];
    size_t table = file_count * sizeof *name_offsets;
    name_offsets = malloc(table + head[1]);
    if (name_offsets == NULL) {
        fatal("allocating the archive's table of contents");
    }
    archive_copy(name_offsets, sizeof head, table + head[1]);
    names = (char *)name_offsets + table;
    locations = sizeof head + table + head[1];
}

static int compare(const void *path, const void *offset)
{
    return strcmp(path, names + *(const uint32_t *)offset);
}

/* Returns the number of the file at `path`, -1 if there is none. */
static int find(const char *path)
{
    const uint32_t *found = bsearch(path, name_offsets, file_count, sizeof *name_offsets, compare);
    return found == NULL ? -1 : found - name_offsets;
}

static location locate(int file)
{
    location data;
    archive_copy(&data, locations + file * sizeof data, sizeof data);
    return data;
}

int archive_size(const char *path)
{
    int file = find(path);
    return file < 0 ? -1 : (int)locate(file).size;
}

void archive_read(const char *path, void *to)
{
    int file = find(path);
    if (file >= 0) {
        location data = locate(file);
        archive_copy(to, data.offset, data.size);
    }
}

/* Returns the code that is marshalled in `data`. */
static PyObject *unmarshal(location data)
{
    char *bytes = PyMem_RawMalloc(data.size);
    if (bytes == NULL) {
        return PyErr_NoMemory();
    }
    archive_copy(bytes, data.offset, data.size);
    PyObject *code = PyMarshal_ReadObjectFromString(bytes, data.size);
    PyMem_RawFree(bytes);
    return code;
}

/* Returns the name of the module in the file at `path`, NULL if it holds none. */
static PyObject *module_name(const char *path)
{
    static const char *const endings[] = {"/__init__.pyc", ".pyc"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(endings); i++) {
        const char *ending = strstr(path, endings[i]);
        if (ending != NULL) {
            PyObject *file = PyUnicode_FromStringAndSize(path, ending - path);
            return PyObject_CallMethod(file, "replace", "ss", "/", ".");
        }
    }
    return NULL;
}

PyObject *archive_unused_code(uint32_t file)
{
    PyObject *name = module_name(names + name_offsets[file]);
    if (name == NULL || PyDict_Contains(PyImport_GetModuleDict(), name)) {
        return NULL;
    }
    PyObject *code = unmarshal(locate(file));
    if (code == NULL) {
        fatal(names + name_offsets[file]);
    }
    return code;
}

/* --- as Python sees it --- */

/* Returns the object that `use` makes of the file at `path`, or None. */
static PyObject *use_file(PyObject *path, PyObject *(*use)(int file, location data))
{
    const char *text = PyUnicode_AsUTF8(path);
    if (text == NULL) {
        return NULL;
    }
    int file = find(text);
    if (file < 0) {
        Py_RETURN_NONE;
    }
    return use(file, locate(file));
}

static PyObject *read_bytes(int file, location data)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, data.size);
    if (bytes != NULL) {
        archive_copy(PyBytes_AS_STRING(bytes), data.offset, data.size);
    }
    return bytes;
}

static PyObject *load_code(int file, location data)
{
    return is_frozen(data.offset) ? thaw(file, data.offset) : unmarshal(data);
}

PyDoc_STRVAR(read_doc, "read(path, /)\n--\n\nThe bytes of the file at path, or None.");

static PyObject *py_read(PyObject *module, PyObject *path)
{
    return use_file(path, read_bytes);
}

PyDoc_STRVAR(code_doc, "code(path, /)\n--\n\nThe code object in the file at path, or None.");

static PyObject *py_code(PyObject *module, PyObject *path)
{
    return use_file(path, load_code);
}

PyDoc_STRVAR(has_doc, "has(path, /)\n--\n\nWhether there is a file at path.");

static PyObject *py_has(PyObject *module, PyObject *path)
{
    const char *text = PyUnicode_AsUTF8(path);
    return text == NULL ? NULL : PyBool_FromLong(find(text) >= 0);
}

PyDoc_STRVAR(paths_doc, "paths()\n--\n\nThe paths of all files, sorted.");

static PyObject *py_paths(PyObject *module, PyObject *unused)
{
    PyObject *paths = PyList_New(file_count);
    for (uint32_t i = 0; paths != NULL && i < file_count; i++) {
        PyObject *path = PyUnicode_FromString(names + name_offsets[i]);
        if (path == NULL) {
            Py_CLEAR(paths);
            break;
        }
        PyList_SET_ITEM(paths, i, path);
    }
    return paths;
}

static PyMethodDef methods[] = {
    {"read", py_read, METH_O, read_doc},
    {"code", py_code, METH_O, code_doc},
    {"has", py_has, METH_O, has_doc},
    {"paths", py_paths, METH_NOARGS, paths_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_archive",
    .m_doc = "The files of the standard library.",
    .m_methods = methods,
};

PyObject *PyInit__archive(void)
{
    return PyModule_Create(&definition);
}
