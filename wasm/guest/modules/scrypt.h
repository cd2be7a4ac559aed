/* The module `_scrypt`. */

#ifndef GUEST_SCRYPT_H
#define GUEST_SCRYPT_H

#include <Python.h>

PyObject *PyInit__scrypt(void);

#endif
