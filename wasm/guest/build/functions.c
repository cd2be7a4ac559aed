/* A list for a check of the build: the functions that CPython calls through its tables, and how it calls them.
 *
 * WebAssembly traps where the type of a function differs from the one that it is called with. C does not
 * check what is put into a table. All parameters and results of these functions are 32 bits wide, so
 * that the numbers of them are the type. */

#include <Python.h>

#include <internal/pycore_descrobject.h>
#include <internal/pycore_moduleobject.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "fatal.h"

/* One function. xtask reads these as they lie in memory. */
struct use {
    void *function;
    const char *owner;
    const char *slot;
    uint32_t parameters;
    uint32_t results;
};

static struct use *uses;
static size_t count;

static void add(void *function, const char *owner, const char *slot, int parameters, int results)
{
    if (function == NULL) {
        return;
    }
    struct use *more = realloc(uses, (count + 1) * sizeof *uses);
    if (more == NULL) {
        fatal("listing functions");
    }
    uses = more;
    uses[count++] = (struct use){function, owner, slot, parameters, results};
}

struct slot {
    const char *name;
    size_t offset;
    int parameters;
    int results;
};

#define SLOT(table, field, parameters, results) {#field, offsetof(table, field), parameters, results}

static const struct slot type_slots[] = {
    SLOT(PyTypeObject, tp_dealloc, 1, 0),     SLOT(PyTypeObject, tp_getattr, 2, 1),
    SLOT(PyTypeObject, tp_setattr, 3, 1),     SLOT(PyTypeObject, tp_repr, 1, 1),
    SLOT(PyTypeObject, tp_hash, 1, 1),        SLOT(PyTypeObject, tp_call, 3, 1),
    SLOT(PyTypeObject, tp_str, 1, 1),         SLOT(PyTypeObject, tp_getattro, 2, 1),
    SLOT(PyTypeObject, tp_setattro, 3, 1),    SLOT(PyTypeObject, tp_traverse, 3, 1),
    SLOT(PyTypeObject, tp_clear, 1, 1),       SLOT(PyTypeObject, tp_richcompare, 3, 1),
    SLOT(PyTypeObject, tp_iter, 1, 1),        SLOT(PyTypeObject, tp_iternext, 1, 1),
    SLOT(PyTypeObject, tp_descr_get, 3, 1),   SLOT(PyTypeObject, tp_descr_set, 3, 1),
    SLOT(PyTypeObject, tp_init, 3, 1),        SLOT(PyTypeObject, tp_alloc, 2, 1),
    SLOT(PyTypeObject, tp_new, 3, 1),         SLOT(PyTypeObject, tp_free, 1, 0),
    SLOT(PyTypeObject, tp_is_gc, 1, 1),       SLOT(PyTypeObject, tp_del, 1, 0),
    SLOT(PyTypeObject, tp_finalize, 1, 0),    SLOT(PyTypeObject, tp_vectorcall, 4, 1),
    {NULL},
};

static const struct slot async_slots[] = {
    SLOT(PyAsyncMethods, am_await, 1, 1), SLOT(PyAsyncMethods, am_aiter, 1, 1),
    SLOT(PyAsyncMethods, am_anext, 1, 1), SLOT(PyAsyncMethods, am_send, 3, 1),
    {NULL},
};

static const struct slot number_slots[] = {
    SLOT(PyNumberMethods, nb_add, 2, 1),                 SLOT(PyNumberMethods, nb_subtract, 2, 1),
    SLOT(PyNumberMethods, nb_multiply, 2, 1),            SLOT(PyNumberMethods, nb_remainder, 2, 1),
    SLOT(PyNumberMethods, nb_divmod, 2, 1),              SLOT(PyNumberMethods, nb_power, 3, 1),
    SLOT(PyNumberMethods, nb_negative, 1, 1),            SLOT(PyNumberMethods, nb_positive, 1, 1),
    SLOT(PyNumberMethods, nb_absolute, 1, 1),            SLOT(PyNumberMethods, nb_bool, 1, 1),
    SLOT(PyNumberMethods, nb_invert, 1, 1),              SLOT(PyNumberMethods, nb_lshift, 2, 1),
    SLOT(PyNumberMethods, nb_rshift, 2, 1),              SLOT(PyNumberMethods, nb_and, 2, 1),
    SLOT(PyNumberMethods, nb_xor, 2, 1),                 SLOT(PyNumberMethods, nb_or, 2, 1),
    SLOT(PyNumberMethods, nb_int, 1, 1),                 SLOT(PyNumberMethods, nb_float, 1, 1),
    SLOT(PyNumberMethods, nb_inplace_add, 2, 1),         SLOT(PyNumberMethods, nb_inplace_subtract, 2, 1),
    SLOT(PyNumberMethods, nb_inplace_multiply, 2, 1),    SLOT(PyNumberMethods, nb_inplace_remainder, 2, 1),
    SLOT(PyNumberMethods, nb_inplace_power, 3, 1),       SLOT(PyNumberMethods, nb_inplace_lshift, 2, 1),
    SLOT(PyNumberMethods, nb_inplace_rshift, 2, 1),      SLOT(PyNumberMethods, nb_inplace_and, 2, 1),
    SLOT(PyNumberMethods, nb_inplace_xor, 2, 1),         SLOT(PyNumberMethods, nb_inplace_or, 2, 1),
    SLOT(PyNumberMethods, nb_floor_divide, 2, 1),        SLOT(PyNumberMethods, nb_true_divide, 2, 1),
    SLOT(PyNumberMethods, nb_inplace_floor_divide, 2, 1), SLOT(PyNumberMethods, nb_inplace_true_divide, 2, 1),
    SLOT(PyNumberMethods, nb_index, 1, 1),               SLOT(PyNumberMethods, nb_matrix_multiply, 2, 1),
    SLOT(PyNumberMethods, nb_inplace_matrix_multiply, 2, 1),
    {NULL},
};

static const struct slot sequence_slots[] = {
    SLOT(PySequenceMethods, sq_length, 1, 1),         SLOT(PySequenceMethods, sq_concat, 2, 1),
    SLOT(PySequenceMethods, sq_repeat, 2, 1),         SLOT(PySequenceMethods, sq_item, 2, 1),
    SLOT(PySequenceMethods, sq_ass_item, 3, 1),       SLOT(PySequenceMethods, sq_contains, 2, 1),
    SLOT(PySequenceMethods, sq_inplace_concat, 2, 1), SLOT(PySequenceMethods, sq_inplace_repeat, 2, 1),
    {NULL},
};

static const struct slot mapping_slots[] = {
    SLOT(PyMappingMethods, mp_length, 1, 1),
    SLOT(PyMappingMethods, mp_subscript, 2, 1),
    SLOT(PyMappingMethods, mp_ass_subscript, 3, 1),
    {NULL},
};

static const struct slot buffer_slots[] = {
    SLOT(PyBufferProcs, bf_getbuffer, 3, 1),
    SLOT(PyBufferProcs, bf_releasebuffer, 2, 0),
    {NULL},
};

static void add_slots(const struct slot *slots, const void *table, const char *owner)
{
    if (table == NULL) {
        return;
    }
    for (; slots->name != NULL; slots++) {
        void *function = *(void **)((const char *)table + slots->offset);
        add(function, owner, slots->name, slots->parameters, slots->results);
    }
}

static void add_method(const PyMethodDef *method)
{
    int parameters = 2;
    switch (method->ml_flags & ~(METH_CLASS | METH_STATIC | METH_COEXIST)) {
    case METH_VARARGS | METH_KEYWORDS:
    case METH_FASTCALL:
        parameters = 3;
        break;
    case METH_FASTCALL | METH_KEYWORDS:
        parameters = 4;
        break;
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS:
        parameters = 5;
        break;
    }
    add(method->ml_meth, method->ml_name, "method", parameters, 1);
}

static void add_methods(const PyMethodDef *methods)
{
    for (; methods != NULL && methods->ml_name != NULL; methods++) {
        add_method(methods);
    }
}

static void add_module(PyObject *object)
{
    const PyModuleDef *module = PyModule_GetDef(object);
    if (module == NULL) {
        return;
    }
    add(module->m_traverse, module->m_name, "m_traverse", 3, 1);
    add(module->m_clear, module->m_name, "m_clear", 1, 1);
    add(module->m_free, module->m_name, "m_free", 1, 0);
    for (const PyModuleDef_Slot *slot = module->m_slots; slot != NULL && slot->slot != 0; slot++) {
        if (slot->slot == Py_mod_create) {
            add(slot->value, module->m_name, "Py_mod_create", 2, 1);
        } else if (slot->slot == Py_mod_exec) {
            add(slot->value, module->m_name, "Py_mod_exec", 1, 1);
        }
    }
    add_methods(module->m_methods);
}

static void add_type(PyTypeObject *type)
{
    add_slots(type_slots, type, type->tp_name);
    add_slots(async_slots, type->tp_as_async, type->tp_name);
    add_slots(number_slots, type->tp_as_number, type->tp_name);
    add_slots(sequence_slots, type->tp_as_sequence, type->tp_name);
    add_slots(mapping_slots, type->tp_as_mapping, type->tp_name);
    add_slots(buffer_slots, type->tp_as_buffer, type->tp_name);
    add_methods(type->tp_methods);
    for (const PyGetSetDef *attribute = type->tp_getset; attribute != NULL && attribute->name != NULL; attribute++) {
        add(attribute->get, attribute->name, "getter", 2, 1);
        add(attribute->set, attribute->name, "setter", 3, 1);
    }
}

/* Lists the functions of one object. Static types are not among the objects that the collector knows. */
static int add_object(PyObject *object, void *unused)
{
    if (PyType_Check(object)) {
        add_type((PyTypeObject *)object);
    } else if (PyModule_Check(object)) {
        add_module(object);
    } else if (PyCFunction_Check(object)) {
        add_method(((PyCFunctionObject *)object)->m_ml);
    } else if (Py_IS_TYPE(object, &PyMethodDescr_Type) || Py_IS_TYPE(object, &PyClassMethodDescr_Type)) {
        add_method(((PyMethodDescrObject *)object)->d_method);
    } else if (Py_IS_TYPE(object, &PyWrapperDescr_Type)) {
        const PyWrapperDescrObject *descriptor = (PyWrapperDescrObject *)object;
        int keywords = descriptor->d_base->flags & PyWrapperFlag_KEYWORDS;
        add(descriptor->d_base->wrapper, descriptor->d_base->name, "wrapper", keywords ? 4 : 3, 1);
    }
    add(PyVectorcall_Function(object), Py_TYPE(object)->tp_name, "vectorcall", 4, 1);
    return 1;
}

static void add_static_types(PyTypeObject *type)
{
    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
        add_type(type);
    }
    PyObject *classes = PyObject_CallMethod((PyObject *)&PyType_Type, "__subclasses__", "O", type);
    if (classes == NULL) {
        fatal("listing types");
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(classes); i++) {
        add_static_types((PyTypeObject *)PyList_GET_ITEM(classes, i));
    }
    Py_DECREF(classes);
}

EXPORT("list_functions") size_t list_functions(void)
{
    for (const struct _inittab *module = PyImport_Inittab; module->name != NULL; module++) {
        add(module->initfunc, module->name, "PyInit", 0, 1);
        PyObject *imported = PyImport_ImportModule(module->name);
        if (imported == NULL) {
            fatal(module->name);
        }
        Py_DECREF(imported);
    }
    add_static_types(&PyBaseObject_Type);
    PyUnstable_GC_VisitObjects(add_object, NULL);
    return count;
}

EXPORT("functions_ptr") const struct use *functions_ptr(void)
{
    return uses;
}
