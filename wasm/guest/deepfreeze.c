/* Code objects as they lie in memory.
 *
 * To read a module's marshalled code makes one object after the other and looks up every name. At
 * build time, when the snapshot exists, `freeze` does that for each module that the snapshot has not
 * imported, and lays the objects out one behind the other. `thaw` copies that block into the heap
 * and adds its address to the pointers within. Pointers to the names of the start-up and to static
 * objects (small numbers, types) are right as they are.
 *
 * What is thawed is immortal, and of each module it is thawed once. In the archive:
 *
 *     struct frozen
 *     where the names lie that have to be interned, from the start of the objects
 *     where the code objects lie
 *     where the pointers lie, in words from the one before; seven bits to a byte, the lowest first,
 *         and the eighth says that more follow
 *     the objects
 *
 * A pointer holds twice the number of a name and one more, or how far behind it its object lies, which
 * is even. */

#include "guest.h"

#include <internal/pycore_code.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_hashtable.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_long.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_unicodeobject.h>
#include <stdlib.h>
#include <string.h>

/* From CPython's strings, edited: whether a string is one of the names of the start-up. */
int is_startup_name(PyObject *string);

/* No marshalled code begins like this. */
#define MAGIC 0x6e7a7266

struct frozen {
    uint32_t magic;
    uint32_t module;   /* where the module's code object lies */
    uint32_t names;    /* how many */
    uint32_t codes;    /* how many */
    uint32_t pointers; /* bytes of their table */
    uint32_t size;     /* bytes of the objects */
};

/* --- in a run --- */

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
    return magic == MAGIC;
}

/* --- at build time --- */

struct buffer {
    char *bytes;
    uint32_t size, room;
};

/* Objects that are alike lie together: that packs better. */
enum kind { CODE, TUPLES, STRINGS, BYTES, OTHERS, KINDS, NAME };

static struct buffer objects[KINDS];
static struct buffer names, codes, pointers, file;

/* The places of what has been laid out. */
static _Py_hashtable_t *places;

/* So many bytes into the objects of a kind, or a name's number. */
static uint32_t place(enum kind kind, uint32_t at)
{
    return at << 3 | kind;
}

static enum kind kind_of(uint32_t place)
{
    return place & 7;
}

static uint32_t behind(uint32_t at, size_t bytes)
{
    return at + (bytes << 3);
}

static void *laid_out(uint32_t place)
{
    return objects[kind_of(place)].bytes + (place >> 3);
}

/* Where new bytes of the buffer begin; they are zero. */
static uint32_t extend(struct buffer *buffer, uint32_t size)
{
    uint32_t at = buffer->size;
    if (at + size > buffer->room) {
        buffer->room = 2 * (at + size);
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (buffer->bytes == NULL) {
            give_up("making room for frozen code");
        }
    }
    memset(buffer->bytes + at, 0, size);
    buffer->size = at + size;
    return at;
}

static uint32_t append(struct buffer *buffer, const void *bytes, uint32_t size)
{
    uint32_t at = extend(buffer, size);
    memcpy(buffer->bytes + at, bytes, size);
    return at;
}

static void append_place(struct buffer *buffer, uint32_t place)
{
    append(buffer, &place, sizeof place);
}

static void append_number(struct buffer *buffer, uint32_t number)
{
    for (; number > 127; number >>= 7) {
        append(buffer, &(unsigned char){number | 128}, 1);
    }
    append(buffer, &(unsigned char){number}, 1);
}

/* What has the same address in every run. Everything else that code refers to was made by reading it,
 * or is a name that was interned late in the start-up. */
static int stays(const void *object)
{
    extern char __heap_base;
    return (const char *)object < &__heap_base
        || (PyUnicode_CheckExact(object) && PyUnicode_CHECK_INTERNED(object) && is_startup_name((PyObject *)object));
}

static uint32_t lay_out(PyObject *object);

/* Lets the pointer at a place point to another. */
static void point(uint32_t at, uint32_t to)
{
    *(uint32_t *)laid_out(at) = to;
    append_place(&pointers, at);
}

/* Sees to a pointer that was copied with the object it belongs to. */
static void relocate(uint32_t at)
{
    PyObject *object = *(PyObject **)laid_out(at);
    if (object != NULL && !stays(object)) {
        point(at, lay_out(object));
    }
}

static void relocate_code(uint32_t at)
{
    ((PyCodeObject *)laid_out(at))->co_version = 0;
    append_place(&codes, at);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(code_parts); i++) {
        relocate(behind(at, code_parts[i]));
    }
}

static void relocate_items(uint32_t at, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        relocate(behind(at, offsetof(PyTupleObject, ob_item) + i * sizeof(PyObject *)));
    }
}

static void relocate_set(uint32_t at, PySetObject *set)
{
    uint32_t table = behind(at, offsetof(PySetObject, smalltable));
    if (set->table != set->smalltable) {
        table = place(OTHERS, append(&objects[OTHERS], set->table, (set->mask + 1) * sizeof(setentry)));
    }
    point(behind(at, offsetof(PySetObject, table)), table);
    for (Py_ssize_t i = 0; i <= set->mask; i++) {
        relocate(behind(table, i * sizeof(setentry) + offsetof(setentry, key)));
    }
}

/* Forgets what is particular to a string of this instance. */
static void renew_string(uint32_t at)
{
    PyASCIIObject *string = laid_out(at);
    string->hash = -1;
    string->state.interned = SSTATE_NOT_INTERNED;
    if (!string->state.ascii) {
        ((PyCompactUnicodeObject *)string)->utf8 = NULL;
        ((PyCompactUnicodeObject *)string)->utf8_length = 0;
    }
}

static size_t size_of(PyObject *object)
{
    if (PyUnicode_CheckExact(object)) {
        size_t head = PyUnicode_IS_COMPACT_ASCII(object) ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
        return head + (PyUnicode_GET_LENGTH(object) + 1) * PyUnicode_KIND(object);
    }
    if (PyLong_CheckExact(object)) {
        return offsetof(PyLongObject, long_value.ob_digit)
            + _PyLong_DigitCount((PyLongObject *)object) * sizeof(digit);
    }
    return _PyObject_VAR_SIZE(Py_TYPE(object), Py_TYPE(object)->tp_itemsize == 0 ? 0 : Py_SIZE(object));
}

static uint32_t copy(PyObject *object, enum kind kind)
{
    struct buffer *buffer = &objects[kind];
    size_t head = PyObject_IS_GC(object) ? sizeof(PyGC_Head) : 0;
    extend(buffer, (8 - buffer->size % 8) % 8 + head);
    uint32_t at = place(kind, append(buffer, object, size_of(object)));
    ((PyObject *)laid_out(at))->ob_refcnt = _Py_IMMORTAL_REFCNT;
    return at;
}

static uint32_t lay_out_new(PyObject *object)
{
    uint32_t at;
    if (PyCode_Check(object)) {
        relocate_code(at = copy(object, CODE));
    } else if (PyTuple_CheckExact(object)) {
        relocate_items(at = copy(object, TUPLES), PyTuple_GET_SIZE(object));
    } else if (PyFrozenSet_CheckExact(object)) {
        relocate_set(at = copy(object, OTHERS), (PySetObject *)object);
    } else if (PyUnicode_CheckExact(object)) {
        renew_string(at = copy(object, STRINGS));
        if (PyUnicode_CHECK_INTERNED(object)) {
            append_place(&names, at);
            return place(NAME, names.size / sizeof at - 1);
        }
    } else if (PyBytes_CheckExact(object)) {
        at = copy(object, BYTES);
    } else if (PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyComplex_CheckExact(object)) {
        at = copy(object, OTHERS);
    } else {
        give_up("freezing a kind of constant that is new to it");
    }
    return at;
}

/* Lays an object out, and all that it refers to. */
static uint32_t lay_out(PyObject *object)
{
    _Py_hashtable_entry_t *known = _Py_hashtable_get_entry(places, object);
    if (known != NULL) {
        return (uint32_t)known->value;
    }
    uint32_t at = lay_out_new(object);
    if (_Py_hashtable_set(places, object, (void *)at) < 0) {
        give_up("remembering a frozen object");
    }
    return at;
}

/* Where the objects of a kind begin once the kinds lie one behind the other. */
static uint32_t start_of(enum kind kind)
{
    uint32_t start = 0;
    for (enum kind before = 0; before < kind; before++) {
        start += (objects[before].size + 7) / 8 * 8;
    }
    return start;
}

static uint32_t distance(uint32_t place)
{
    return start_of(kind_of(place)) + (place >> 3);
}

static void append_distances(const struct buffer *places)
{
    for (const uint32_t *at = (uint32_t *)places->bytes; (char *)at < places->bytes + places->size; at++) {
        append(&file, &(uint32_t){distance(*at)}, sizeof(uint32_t));
    }
}

static int compare(const void *one, const void *other)
{
    uint32_t a = distance(*(const uint32_t *)one), b = distance(*(const uint32_t *)other);
    return (a > b) - (a < b);
}

/* Writes into each pointer what it holds in the archive, and how far each is from the one before. */
static struct buffer finish_pointers(void)
{
    struct buffer steps = {NULL};
    uint32_t *at = (uint32_t *)pointers.bytes;
    uint32_t count = pointers.size / sizeof *at;
    qsort(at, count, sizeof *at, compare);
    for (uint32_t i = 0, last = 0; i < count; last = distance(at[i]), i++) {
        append_number(&steps, (distance(at[i]) - last) / sizeof(uint32_t));
        uint32_t *pointer = laid_out(at[i]);
        *pointer = kind_of(*pointer) == NAME ? (*pointer >> 3 << 1) + 1 : distance(*pointer) - distance(at[i]);
    }
    return steps;
}

static void write_file(uint32_t module)
{
    struct buffer steps = finish_pointers();
    struct frozen frozen = {
        MAGIC, distance(module), names.size / sizeof(uint32_t), codes.size / sizeof(uint32_t), steps.size,
        start_of(KINDS),
    };
    file.size = 0;
    append(&file, &frozen, sizeof frozen);
    append_distances(&names);
    append_distances(&codes);
    append(&file, steps.bytes, steps.size);
    uint32_t start = file.size;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        extend(&file, start + start_of(kind) - file.size);
        append(&file, objects[kind].bytes, objects[kind].size);
    }
    extend(&file, start + frozen.size - file.size);
    free(steps.bytes);
}

/* Freezes the code of a file of the archive. The size of what came of it; 0 if there is nothing to
 * freeze: the file is no code, or the snapshot has run it. */
EXPORT("freeze") uint32_t freeze(uint32_t number)
{
    PyObject *code = archive_unused_code(number);
    if (code == NULL) {
        return 0;
    }
    for (enum kind kind = 0; kind < KINDS; kind++) {
        objects[kind].size = 0;
    }
    names.size = codes.size = pointers.size = 0;
    places = _Py_hashtable_new(_Py_hashtable_hash_ptr, _Py_hashtable_compare_direct);
    if (places == NULL) {
        give_up("freezing");
    }
    write_file(lay_out(code));
    _Py_hashtable_destroy(places);
    Py_DECREF(code);
    return file.size;
}

EXPORT("frozen_ptr") const char *frozen_ptr(void)
{
    return file.bytes;
}
