/* The standard library, a read-only set of files outside linear memory; see archive.c. */

#ifndef GUEST_ARCHIVE_H
#define GUEST_ARCHIVE_H

#include <Python.h>

/* Loads the table of contents. */
void open_archive(void);

/* Returns the size of the file at `path` in bytes, -1 if there is none. */
int archive_size(const char *path);

/* Copies the file at `path` to `to`. */
void archive_read(const char *path, void *to);

/* Returns the code in the archive's file with the number `file`; NULL if the file holds no code, or that of a
 * module that has been imported. */
PyObject *archive_unused_code(uint32_t file);

/* Makes the module `_archive`, the archive as Python sees it. */
PyObject *PyInit__archive(void);

#endif
