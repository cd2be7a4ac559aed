/* The standard library as a read-only set of files.
 *
 * The build puts the whole archive into the module's first data segment and makes that segment
 * passive: it stays outside linear memory, so that it does not count against a script's memory, and
 * `memory.init` copies out what an import needs. Layout, all numbers little-endian u32:
 *
 *     count, size of the names, then for each file: offset of its name, offset and size of its data
 *     the names, each ended by NUL, sorted; offsets count from the first name
 *     the data; offsets count from the start of the archive
 */

#include "guest.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t name;
    uint32_t offset;
    uint32_t size;
} archive_entry;

static uint32_t file_count;
static archive_entry *entries;
static char *names;

static void copy_out(void *to, uint32_t from, uint32_t size)
{
    __asm__ volatile("local.get %0\n"
                     "local.get %1\n"
                     "local.get %2\n"
                     "memory.init 0, 0\n"
                     :
                     : "r"(to), "r"(from), "r"(size)
                     : "memory");
}

void open_archive(void)
{
    uint32_t head[2];
    copy_out(head, 0, sizeof head);
    file_count = head[0];
    size_t table = file_count * sizeof *entries;
    entries = malloc(table + head[1]);
    if (entries == NULL) {
        give_up("allocating the archive's table of contents");
    }
    copy_out(entries, sizeof head, table + head[1]);
    names = (char *)entries + table;
}

static int compare(const void *path, const void *entry)
{
    return strcmp(path, names + ((const archive_entry *)entry)->name);
}

static const archive_entry *find(const char *path)
{
    return bsearch(path, entries, file_count, sizeof *entries, compare);
}

int archive_size(const char *path)
{
    const archive_entry *entry = find(path);
    return entry == NULL ? -1 : (int)entry->size;
}

void archive_read(const char *path, void *to)
{
    const archive_entry *entry = find(path);
    if (entry != NULL) {
        copy_out(to, entry->offset, entry->size);
    }
}

/* --- as Python sees it --- */

PyDoc_STRVAR(read_doc, "read(path, /)\n--\n\nThe bytes of the file at path, or None.");

static PyObject *py_read(PyObject *module, PyObject *path)
{
    const char *text = PyUnicode_AsUTF8(path);
    if (text == NULL) {
        return NULL;
    }
    const archive_entry *entry = find(text);
    if (entry == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, entry->size);
    if (bytes != NULL) {
        copy_out(PyBytes_AS_STRING(bytes), entry->offset, entry->size);
    }
    return bytes;
}

PyDoc_STRVAR(has_doc, "has(path, /)\n--\n\nWhether there is a file at path.");

static PyObject *py_has(PyObject *module, PyObject *path)
{
    const char *text = PyUnicode_AsUTF8(path);
    return text == NULL ? NULL : PyBool_FromLong(find(text) != NULL);
}

PyDoc_STRVAR(paths_doc, "paths()\n--\n\nThe paths of all files, sorted.");

static PyObject *py_paths(PyObject *module, PyObject *unused)
{
    PyObject *paths = PyList_New(file_count);
    for (uint32_t i = 0; paths != NULL && i < file_count; i++) {
        PyObject *path = PyUnicode_FromString(names + entries[i].name);
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
