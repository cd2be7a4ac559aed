/* The part of scrypt (RFC 7914) that takes time and memory, as the module `_scrypt`; lib/_sandbox/scrypt.py is
 * the rest. CPython takes it from OpenSSL. */

#include "modules/scrypt.h"

#include <stdint.h>

enum { BLOCK_WORDS = 16 };

static uint32_t rotate(uint32_t value, int by)
{
    return value << by | value >> (32 - by);
}

/* The core of Salsa20/8: adds to `block` what becomes of it in 8 rounds. */
static void salsa(uint32_t block[BLOCK_WORDS])
{
    static const uint8_t rounds[8][4] = {{0, 4, 8, 12}, {5, 9, 13, 1}, {10, 14, 2, 6}, {15, 3, 7, 11},
                                         {0, 1, 2, 3},  {5, 6, 7, 4},  {10, 11, 8, 9}, {15, 12, 13, 14}};
    uint32_t x[BLOCK_WORDS];
    memcpy(x, block, sizeof x);
    for (int i = 0; i < 4; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 8; j++) {
            const uint8_t *at = rounds[j];
            x[at[1]] ^= rotate(x[at[0]] + x[at[3]], 7);
            x[at[2]] ^= rotate(x[at[1]] + x[at[0]], 9);
            x[at[3]] ^= rotate(x[at[2]] + x[at[1]], 13);
            x[at[0]] ^= rotate(x[at[3]] + x[at[2]], 18);
        }
    }
    for (int i = 0; i < BLOCK_WORDS; i++) {
        block[i] += x[i];
    }
}

/* scryptBlockMix: `from` and `to` are 2 * r blocks. */
static void mix_blocks(const uint32_t *from, uint32_t *to, size_t r)
{
    uint32_t x[BLOCK_WORDS];
    memcpy(x, from + (2 * r - 1) * BLOCK_WORDS, sizeof x);
    for (size_t i = 0; i < 2 * r; i++) {
        for (int j = 0; j < BLOCK_WORDS; j++) {
            x[j] ^= from[i * BLOCK_WORDS + j];
        }
        salsa(x);
        memcpy(to + (i / 2 + i % 2 * r) * BLOCK_WORDS, x, sizeof x);
    }
}

/* scryptROMix, in place; `room` holds n + 1 times as much as `data`. WebAssembly is little-endian, as scrypt is. */
static void mix(uint32_t *data, uint32_t *room, size_t n, size_t r)
{
    size_t words = 2 * r * BLOCK_WORDS;
    uint32_t *spare = room + n * words;
    for (size_t i = 0; i < n; i++) {
        memcpy(room + i * words, data, words * sizeof *data);
        mix_blocks(data, spare, r);
        memcpy(data, spare, words * sizeof *data);
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t *chosen = room + (data[words - BLOCK_WORDS] & (n - 1)) * words;
        for (size_t j = 0; j < words; j++) {
            data[j] ^= chosen[j];
        }
        mix_blocks(data, spare, r);
        memcpy(data, spare, words * sizeof *data);
    }
}

static PyObject *scrypt_mix(PyObject *module, PyObject *arguments)
{
    Py_buffer data;
    unsigned int n;
    if (!PyArg_ParseTuple(arguments, "y*I:mix", &data, &n)) {
        return NULL;
    }
    PyObject *result = NULL;
    uint32_t *room = NULL;
    size_t size = data.len;
    if (size == 0 || size % 128 != 0 || n < 2 || (n & (n - 1)) != 0) {
        PyErr_SetString(PyExc_ValueError, "mix() takes a multiple of 128 bytes and a power of two");
    } else if (size > PY_SSIZE_T_MAX / ((size_t)n + 1) || (room = PyMem_Malloc(size * ((size_t)n + 1))) == NULL) {
        PyErr_NoMemory();
    } else {
        result = PyBytes_FromStringAndSize(data.buf, size);
        if (result != NULL) {
            mix((uint32_t *)PyBytes_AS_STRING(result), room, n, size / 128);
        }
    }
    PyMem_Free(room);
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef methods[] = {
    {"mix", scrypt_mix, METH_VARARGS, PyDoc_STR("mix(data, n, /)\n--\n\nscryptROMix of 128 * r bytes.")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_scrypt",
    .m_methods = methods,
};

PyObject *PyInit__scrypt(void)
{
    return PyModule_Create(&definition);
}
