/* What the parts of the guest share. */

#ifndef GUEST_H
#define GUEST_H

#include <Python.h>

/* Where a code object points to others. CPython's traversal leaves code objects out. */
static const size_t code_parts[] = {
    offsetof(PyCodeObject, co_consts), offsetof(PyCodeObject, co_names),
    offsetof(PyCodeObject, co_exceptiontable), offsetof(PyCodeObject, co_localsplusnames),
    offsetof(PyCodeObject, co_localspluskinds), offsetof(PyCodeObject, co_filename),
    offsetof(PyCodeObject, co_name), offsetof(PyCodeObject, co_qualname), offsetof(PyCodeObject, co_linetable),
};

/* A function that the host calls. */
#define EXPORT(name) __attribute__((export_name(name), used))

/* interpreter.c: starts CPython without a look at files, arguments or the environment. Without the
 * importer only the modules that are compiled in exist. A failure is printed and traps. */
void start_interpreter(int with_importer);

/* Gives back the memory of the code that the start has needed before there was an importer. */
void forget_frozen(void);

/* Prints what could not be done, and Python's own error if there is one, and traps. */
_Noreturn void give_up(const char *what);

/* archive.c: the standard library, a read-only set of files outside linear memory. */

/* Loads the table of contents. */
void open_archive(void);

/* The size of the file at `path` in bytes, -1 if there is none. */
int archive_size(const char *path);

/* Copies the file at `path` to `to`. */
void archive_read(const char *path, void *to);

/* Copies `size` bytes at `from` in the archive to `to`. */
void archive_copy(void *to, uint32_t from, uint32_t size);

/* The code in the archive's file with the number `file`; NULL if it is no code, or that of a module
 * that has been imported. */
PyObject *archive_unused_code(uint32_t file);

/* Makes the module `_archive`, the archive as Python sees it. */
PyObject *PyInit__archive(void);

/* scrypt.c: makes the module `_scrypt`. */
PyObject *PyInit__scrypt(void);

/* deepfreeze.c: code as it lies in memory. Whether the data at `from` in the archive is that, and the
 * code object in it. */
int is_frozen(uint32_t from);
PyObject *thaw(uint32_t file, uint32_t from);

/* seal.c: where a run's objects lie. First `reserve_heap`, before anything is allocated, sets a
 * stretch of the heap aside; then `seal_heap` takes all other free blocks, so that new objects lie
 * side by side in that stretch. `seal_heap_again` takes what was freed elsewhere since. */
void reserve_heap(void);
void seal_heap(void);
void seal_heap_again(void);

/* memory.c: a reserve of memory for what follows a MemoryError. `begin_reserve`, after the start-up, keeps it
 * back; `open_reserve` gives it to the allocator, which has failed; `refill_reserve` keeps it back again if
 * there is room. */
void begin_reserve(void);
void open_reserve(void);
void refill_reserve(void);

/* immortal.c: stops counting references to the objects there are. */
void immortalize_heap(void);

#endif
