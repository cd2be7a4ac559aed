/* Functions that Linux has and the sandbox cannot have, for the modules `posix` and `_signal`: they are there,
 * so that code that looks for them or replaces them finds them, and raise OSError when they are called. A few
 * return a value that is always the same. */

#include <Python.h>

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

static const char no_processes[] = "the sandbox cannot start processes";
static const char one_process[] = "the sandbox has no other processes";
static const char one_user[] = "the sandbox has one user";
static const char no_terminal[] = "the sandbox has no terminal";
static const char no_timers[] = "nothing in the sandbox interrupts a script";
static const char no_call[] = "the sandbox does not have it";
static const char no_attributes[] = "files in the sandbox have no extended attributes";

static const char posix[] = "posix";
static const char signals[] = "_signal";

/* --- functions that return the same value at any time --- */

static PyObject *raise_errno(int error)
{
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *terminal_name(PyObject *Py_UNUSED(arguments))
{
    return PyUnicode_FromString("/dev/tty");
}

static PyObject *only_group(PyObject *Py_UNUSED(arguments))
{
    return Py_BuildValue("[i]", 1000);
}

static PyObject *zero(PyObject *Py_UNUSED(arguments))
{
    return PyLong_FromLong(0);
}

static PyObject *none(PyObject *Py_UNUSED(arguments))
{
    Py_RETURN_NONE;
}

static PyObject *no_timer(PyObject *Py_UNUSED(arguments))
{
    return Py_BuildValue("(dd)", 0.0, 0.0);
}

static PyObject *empty_set(PyObject *Py_UNUSED(arguments))
{
    return PySet_New(NULL);
}

/* The numbers from `first` to `last`, as a set. glibc reserves signals 32 and 33. */
static PyObject *set_of_numbers(int first, int last)
{
    PyObject *set = PySet_New(NULL);
    for (int number = first; set != NULL && number <= last; number++) {
        PyObject *element = PyLong_FromLong(number);
        if (element == NULL || (number != 32 && number != 33 && PySet_Add(set, element) < 0)) {
            Py_CLEAR(set);
        }
        Py_XDECREF(element);
    }
    return set;
}

static PyObject *all_signals(PyObject *Py_UNUSED(arguments))
{
    return set_of_numbers(1, 64);
}

static PyObject *affinity(PyObject *arguments)
{
    int process;
    if (!PyArg_ParseTuple(arguments, "i:sched_getaffinity", &process)) {
        return NULL;
    }
    return process == 0 || process == getpid() ? set_of_numbers(0, 0) : raise_errno(ESRCH);
}

static PyObject *signal_mask(PyObject *arguments)
{
    int how;
    PyObject *mask;
    if (!PyArg_ParseTuple(arguments, "iO:pthread_sigmask", &how, &mask)) {
        return NULL;
    }
    return how >= 0 && how <= 2 ? PySet_New(NULL) : raise_errno(EINVAL);
}

/* --- the table --- */

struct unavailable {
    const char *module;
    const char *name;
    const char *parameters;
    int error;
    const char *reason;
    PyObject *(*value)(PyObject *arguments); /* in place of an error */
};

static const struct unavailable functions[] = {
    {posix, "system", "command", EPERM, no_processes},
    {posix, "execv", "path, argv, /", EPERM, no_processes},
    {posix, "execve", "path, argv, env", EPERM, no_processes},
    {posix, "posix_spawn", "path, argv, env, /, **kwargs", EPERM, no_processes},
    {posix, "posix_spawnp", "path, argv, env, /, **kwargs", EPERM, no_processes},
    {posix, "spawnv", "mode, file, args", EPERM, no_processes},
    {posix, "spawnve", "mode, file, args, env", EPERM, no_processes},
    {posix, "spawnvp", "mode, file, args", EPERM, no_processes},
    {posix, "spawnvpe", "mode, file, args, env", EPERM, no_processes},
    {posix, "pipe", "", EPERM, one_process},
    {posix, "pipe2", "flags, /", EPERM, one_process},
    {posix, "pidfd_open", "pid, flags=0", EPERM, one_process},
    {posix, "wait", "", ECHILD, one_process},
    {posix, "wait3", "options", ECHILD, one_process},
    {posix, "wait4", "pid, options", ECHILD, one_process},
    {posix, "waitid", "idtype, id, options, /", ECHILD, one_process},
    {posix, "waitpid", "pid, options, /", ECHILD, one_process},
    {posix, "setpgid", "pid, pgrp, /", EPERM, one_process},
    {posix, "setpgrp", "", EPERM, one_process},
    {posix, "setsid", "", EPERM, one_process},
    {posix, "setpriority", "which, who, priority", EPERM, one_process},
    {posix, "sched_setaffinity", "pid, mask, /", EPERM, one_process},
    {posix, "setns", "fd, nstype=0", EPERM, one_process},
    {posix, "unshare", "flags", EPERM, one_process},
    {posix, "mknod", "path, mode=384, device=0, *, dir_fd=None", EPERM, one_user},
    {posix, "chroot", "path", EPERM, one_user},
    {posix, "setgroups", "groups, /", EPERM, one_user},
    {posix, "initgroups", "username, gid, /", EPERM, one_user},
    {posix, "getlogin", "", ENXIO, no_terminal},
    {posix, "get_terminal_size", "fd=1, /", ENOTTY, no_terminal},
    {posix, "login_tty", "fd, /", ENOTTY, no_terminal},
    {posix, "openpty", "", ENOENT, no_terminal},
    {posix, "posix_openpt", "oflag, /", ENOENT, no_terminal},
    {posix, "ptsname", "fd, /", ENOTTY, no_terminal},
    {posix, "tcgetpgrp", "fd, /", ENOTTY, no_terminal},
    {posix, "tcsetpgrp", "fd, pgid, /", ENOTTY, no_terminal},
    {posix, "ttyname", "fd, /", ENOTTY, no_terminal},
    {posix, "getxattr", "path, attribute, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {posix, "listxattr", "path=None, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {posix, "removexattr", "path, attribute, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {posix, "setxattr", "path, attribute, value, flags=0, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {posix, "copy_file_range", "src, dst, count, offset_src=None, offset_dst=None", ENOSYS, no_call},
    {posix, "eventfd", "initval, flags=0", ENOSYS, no_call},
    {posix, "fchdir", "fd", ENOSYS, no_call},
    {posix, "memfd_create", "name, flags=0", ENOSYS, no_call},
    {posix, "sendfile", "out_fd, in_fd, offset, count", ENOSYS, no_call},
    {posix, "splice", "src, dst, count, offset_src=None, offset_dst=None, flags=0", ENOSYS, no_call},
    {posix, "ctermid", "", .value = terminal_name},
    {posix, "getgrouplist", "user, group, /", .value = only_group},
    {posix, "getpriority", "which, who", .value = zero},
    {posix, "sched_getaffinity", "pid, /", .value = affinity},
    {signals, "alarm", "seconds, /", ENOSYS, no_timers},
    {signals, "setitimer", "which, seconds, interval=0.0, /", ENOSYS, no_timers},
    {signals, "pause", "", ENOSYS, one_process},
    {signals, "sigwait", "sigset, /", ENOSYS, one_process},
    {signals, "sigwaitinfo", "sigset, /", ENOSYS, one_process},
    {signals, "sigtimedwait", "sigset, timeout, /", ENOSYS, one_process},
    {signals, "pthread_kill", "thread_id, signalnum, /", EPERM, one_process},
    {signals, "getitimer", "which, /", .value = no_timer},
    {signals, "pthread_sigmask", "how, mask, /", .value = signal_mask},
    {signals, "siginterrupt", "signalnum, flag, /", .value = none},
    {signals, "sigpending", "", .value = empty_set},
    {signals, "valid_signals", "", .value = all_signals},
    {NULL},
};

/* --- the functions --- */

/* The body of all of them; `self` is the address of the function's row. */
static PyObject *call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    const struct unavailable *function = PyLong_AsVoidPtr(self);
    if (function == NULL) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (*function->parameters == 0 && count != 0) {
        return PyErr_Format(PyExc_TypeError, "%s() takes no arguments (%zd given)", function->name, count);
    }
    if (function->value != NULL) {
        return function->value(arguments);
    }
    PyObject *text = PyUnicode_FromFormat("%s (%s)", strerror(function->error), function->reason);
    /* CPython's errors name the path, except those of execv. */
    bool has_path = count > 0 && strncmp(function->parameters, "path", 4) == 0 && strcmp(function->name, "execv") != 0;
    PyObject *path = has_path ? PyTuple_GET_ITEM(arguments, 0) : Py_None;
    PyObject *values = text == NULL ? NULL : Py_BuildValue("(iNO)", function->error, text, path);
    if (values != NULL) {
        PyErr_SetObject(PyExc_OSError, values);
        Py_DECREF(values);
    }
    return NULL;
}

/* A definition with the signature that `inspect` reads. It lives as long as the interpreter. */
static PyMethodDef *definition_of(const struct unavailable *function)
{
    static const char pattern[] = "%s($module%s%s)\n--\n\nIn the sandbox: %s.";
    const char *parameters = function->parameters;
    const char *separator = *parameters == 0 ? ", /" : strchr(parameters, '/') != NULL ? ", " : ", /, ";
    const char *note = function->reason != NULL ? function->reason : "the same at any time";
    size_t size = sizeof pattern + strlen(function->name) + strlen(parameters) + strlen(note) + 8;
    PyMethodDef *definition = PyMem_Malloc(sizeof *definition + size);
    if (definition == NULL) {
        return NULL;
    }
    char *text = (char *)(definition + 1);
    snprintf(text, size, pattern, function->name, separator, parameters, note);
    *definition = (PyMethodDef){function->name, (PyCFunction)(void (*)(void))call, METH_VARARGS | METH_KEYWORDS, text};
    return definition;
}

/* Called by the modules' own initialization (edits/linux.toml). What a module has already stays. */
int add_unavailable(PyObject *module)
{
    PyObject *name = PyModule_GetNameObject(module);
    if (name == NULL) {
        return -1;
    }
    int result = 0;
    for (const struct unavailable *function = functions; result == 0 && function->name != NULL; function++) {
        if (!PyUnicode_EqualToUTF8(name, function->module) || PyObject_HasAttrString(module, function->name)) {
            continue;
        }
        PyMethodDef *definition = definition_of(function);
        PyObject *self = PyLong_FromVoidPtr((void *)function);
        PyObject *object =
            definition == NULL || self == NULL ? NULL : PyCFunction_NewEx(definition, self, name);
        Py_XDECREF(self);
        result = object == NULL ? -1 : PyModule_AddObjectRef(module, function->name, object);
        Py_XDECREF(object);
    }
    Py_DECREF(name);
    return result;
}
