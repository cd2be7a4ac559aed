/* Freezes code for the archive, at build time; modules/thaw.h describes the format. */

#include <Python.h>

#include <internal/pycore_code.h>
#include <internal/pycore_hashtable.h>
#include <internal/pycore_long.h>
#include <internal/pycore_unicodeobject.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "fatal.h"
#include "modules/archive.h"
#include "modules/thaw.h"
#include "python_layout.h"

/* From CPython's strings, edited: whether a string is one of the names of the start-up. */
int is_startup_name(PyObject *string);

struct buffer {
    char *bytes;
    uint32_t size, room;
};

/* Objects that are alike lie together: that packs better. */
enum kind { CODE, TUPLES, STRINGS, BYTES, OTHERS, KINDS, NAME };

static struct buffer objects[KINDS];
static struct buffer names, codes, pointers, file;

/* The places of the objects that have been laid out. */
static _Py_hashtable_t *places;

/* A place: an offset into the objects of a kind, or a number of a name. */
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

/* Appends zero bytes; returns their offset. */
static uint32_t extend(struct buffer *buffer, uint32_t size)
{
    uint32_t at = buffer->size;
    if (at + size > buffer->room) {
        buffer->room = 2 * (at + size);
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (buffer->bytes == NULL) {
            fatal("making room for frozen code");
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

/* Returns whether an object has the same address in every run. All others to which code refers were made by
 * reading it, or are names that were interned late in the start-up. */
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

/* Adjusts a pointer that was copied with the object that it belongs to. */
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
    for (size_t i = 0; i < Py_ARRAY_LENGTH(code_references); i++) {
        relocate(behind(at, code_references[i]));
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

/* Resets the members of a string that belong to this instance. */
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
        fatal("freezing a constant of an unknown kind");
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
        fatal("remembering a frozen object");
    }
    return at;
}

/* Returns the offset of the objects of a kind once the kinds lie one behind the other. */
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
        FROZEN_MAGIC, distance(module), names.size / sizeof(uint32_t), codes.size / sizeof(uint32_t), steps.size,
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

/* Freezes the code of a file of the archive. Returns the size of the frozen code; 0 if there is nothing to
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
        fatal("freezing");
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
