/* Makes objects of frozen code, when a module is imported. */

#include "modules/thaw.h"

#include <internal/pycore_interp.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_unicodeobject.h>

#include "modules/archive_data.h"
#include "python_layout.h"

/* Stands before the objects of each module that has been thawed, and leaves them aligned. */
struct thawed {
    _Alignas(16) struct thawed *next;
    uint32_t file;
    PyObject *code;
};

static struct thawed *all_thawed;

static uint32_t next_number(const unsigned char **at)
{
    uint32_t number = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char byte = *(*at)++;
        number |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            return number;
        }
    }
}

/* Interns a name that is not among those of the start-up, so that it need not be looked for there:
 * that would read a page here and there. Where there is one already, it takes this one's place. */
static PyObject *intern(PyInterpreterState *interp, PyObject *name)
{
    PyObject *interned = _Py_INTERP_CACHED_OBJECT(interp, interned_strings);
    PyObject *known = NULL;
    switch (PyDict_SetDefaultRef(interned, name, name, &known)) {
    case 0:
        ((PyASCIIObject *)name)->state.interned = SSTATE_INTERNED_IMMORTAL;
        return name;
    case 1:
        _PyUnicode_InternImmortal(interp, &known);
        return known;
    default:
        /* Without memory to remember it a name is as good as any string. */
        PyErr_Clear();
        return name;
    }
}

/* Makes objects of the bytes at `objects`. The tables are used up. */
static void wake(char *objects, const struct frozen *frozen, uint32_t *tables)
{
    PyInterpreterState *interp = _PyInterpreterState_GET();
    PyObject **names = (PyObject **)tables;
    for (uint32_t i = 0; i < frozen->names; i++) {
        names[i] = intern(interp, (PyObject *)(objects + tables[i]));
    }
    const uint32_t *codes = tables + frozen->names;
    const unsigned char *pointers = (const unsigned char *)(codes + frozen->codes);
    const unsigned char *end = pointers + frozen->pointers;
    for (uint32_t *pointer = (uint32_t *)objects; pointers < end;) {
        pointer += next_number(&pointers);
        *pointer = *pointer & 1 ? (uint32_t)names[*pointer >> 1] : (uint32_t)pointer + *pointer;
    }
    for (uint32_t i = 0; i < frozen->codes; i++) {
        uint32_t version = interp->func_state.next_version;
        ((PyCodeObject *)(objects + codes[i]))->co_version = version;
        interp->func_state.next_version = version == 0 ? 0 : version + 1;
    }
}

PyObject *thaw(uint32_t file, uint32_t from)
{
    for (struct thawed *thawed = all_thawed; thawed != NULL; thawed = thawed->next) {
        if (thawed->file == file) {
            return thawed->code;
        }
    }
    struct frozen frozen;
    archive_copy(&frozen, from, sizeof frozen);
    uint32_t tables_size = (frozen.names + frozen.codes) * sizeof(uint32_t) + frozen.pointers;
    uint32_t *tables = PyMem_RawMalloc(tables_size);
    struct thawed *thawed = PyMem_RawMalloc(sizeof *thawed + frozen.size);
    if (tables == NULL || thawed == NULL) {
        PyMem_RawFree(tables);
        PyMem_RawFree(thawed);
        return PyErr_NoMemory();
    }
    char *objects = (char *)(thawed + 1);
    archive_copy(tables, from + sizeof frozen, tables_size);
    archive_copy(objects, from + sizeof frozen + tables_size, frozen.size);
    wake(objects, &frozen, tables);
    PyMem_RawFree(tables);
    *thawed = (struct thawed){all_thawed, file, (PyObject *)(objects + frozen.module)};
    all_thawed = thawed;
    return thawed->code;
}

int is_frozen(uint32_t from)
{
    uint32_t magic;
    archive_copy(&magic, from, sizeof magic);
    return magic == FROZEN_MAGIC;
}
