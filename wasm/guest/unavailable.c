/* Functions that Linux has and the sandbox cannot have, for the modules `posix` and `_signal`: they are there,
 * so that code that looks for them or replaces them finds them, and raise OSError when they are called. A few
 * have an answer that is always the same. */

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

struct unavailable {
    const char *name;
    const char *parameters;
    int error;          /* 0 for those that return `value` */
    const char *reason;
    const char *format; /* of Py_BuildValue, with `value` three times */
    int value;
};

static const struct unavailable in_posix[] = {
    {"system", "command", EPERM, no_processes},
    {"execv", "path, argv, /", EPERM, no_processes},
    {"execve", "path, argv, env", EPERM, no_processes},
    {"posix_spawn", "path, argv, env, /, **kwargs", EPERM, no_processes},
    {"posix_spawnp", "path, argv, env, /, **kwargs", EPERM, no_processes},
    {"spawnv", "mode, file, args", EPERM, no_processes},
    {"spawnve", "mode, file, args, env", EPERM, no_processes},
    {"spawnvp", "mode, file, args", EPERM, no_processes},
    {"spawnvpe", "mode, file, args, env", EPERM, no_processes},
    {"pipe", "", EPERM, one_process},
    {"pipe2", "flags, /", EPERM, one_process},
    {"pidfd_open", "pid, flags=0", EPERM, one_process},
    {"wait", "", ECHILD, one_process},
    {"wait3", "options", ECHILD, one_process},
    {"wait4", "pid, options", ECHILD, one_process},
    {"waitid", "idtype, id, options, /", ECHILD, one_process},
    {"waitpid", "pid, options, /", ECHILD, one_process},
    {"setpgid", "pid, pgrp, /", EPERM, one_process},
    {"setpgrp", "", EPERM, one_process},
    {"setsid", "", EPERM, one_process},
    {"setpriority", "which, who, priority", EPERM, one_process},
    {"sched_setaffinity", "pid, mask, /", EPERM, one_process},
    {"setns", "fd, nstype=0", EPERM, one_process},
    {"unshare", "flags", EPERM, one_process},
    {"mknod", "path, mode=384, device=0, *, dir_fd=None", EPERM, one_user},
    {"chroot", "path", EPERM, one_user},
    {"setgroups", "groups, /", EPERM, one_user},
    {"initgroups", "username, gid, /", EPERM, one_user},
    {"getlogin", "", ENXIO, no_terminal},
    {"get_terminal_size", "fd=1, /", ENOTTY, no_terminal},
    {"login_tty", "fd, /", ENOTTY, no_terminal},
    {"openpty", "", ENOENT, no_terminal},
    {"posix_openpt", "oflag, /", ENOENT, no_terminal},
    {"ptsname", "fd, /", ENOTTY, no_terminal},
    {"tcgetpgrp", "fd, /", ENOTTY, no_terminal},
    {"tcsetpgrp", "fd, pgid, /", ENOTTY, no_terminal},
    {"ttyname", "fd, /", ENOTTY, no_terminal},
    {"getxattr", "path, attribute, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {"listxattr", "path=None, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {"removexattr", "path, attribute, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {"setxattr", "path, attribute, value, flags=0, *, follow_symlinks=True", ENOTSUP, no_attributes},
    {"copy_file_range", "src, dst, count, offset_src=None, offset_dst=None", ENOSYS, no_call},
    {"eventfd", "initval, flags=0", ENOSYS, no_call},
    {"fchdir", "fd", ENOSYS, no_call},
    {"memfd_create", "name, flags=0", ENOSYS, no_call},
    {"sendfile", "out_fd, in_fd, offset, count", ENOSYS, no_call},
    {"splice", "src, dst, count, offset_src=None, offset_dst=None, flags=0", ENOSYS, no_call},
    {"ctermid", "", 0, NULL, "s", 0},
    {"getgrouplist", "user, group, /", 0, NULL, "[i]", 1000},
    {"getpriority", "which, who", 0, NULL, "i", 0},
    {"sched_getaffinity", "pid, /", 0, NULL, "set", 0},
    {NULL},
};

static const struct unavailable in_signal[] = {
    {"alarm", "seconds, /", ENOSYS, no_timers},
    {"setitimer", "which, seconds, interval=0.0, /", ENOSYS, no_timers},
    {"pause", "", ENOSYS, one_process},
    {"sigwait", "sigset, /", ENOSYS, one_process},
    {"sigwaitinfo", "sigset, /", ENOSYS, one_process},
    {"sigtimedwait", "sigset, timeout, /", ENOSYS, one_process},
    {"pthread_kill", "thread_id, signalnum, /", EPERM, one_process},
    {"getitimer", "which, /", 0, NULL, "(ddd)", 0},
    {"pthread_sigmask", "how, mask, /", 0, NULL, "set", -1},
    {"siginterrupt", "signalnum, flag, /", 0, NULL, "", 0},
    {"sigpending", "", 0, NULL, "set", -1},
    {"valid_signals", "", 0, NULL, "set", 64},
    {NULL},
};

static PyObject *fixed_value(const struct unavailable *function)
{
    if (strcmp(function->format, "set") == 0) {
        /* The numbers up to `value`: from 1, or 0 alone. glibc keeps signals 32 and 33 for itself. */
        PyObject *set = PySet_New(NULL);
        for (int number = function->value > 0; set != NULL && number <= function->value; number++) {
            PyObject *element = PyLong_FromLong(number);
            if (element == NULL || (number != 32 && number != 33 && PySet_Add(set, element) < 0)) {
                Py_CLEAR(set);
            }
            Py_XDECREF(element);
        }
        return set;
    }
    if (strcmp(function->format, "s") == 0) {
        return PyUnicode_FromString("/dev/tty");
    }
    if (strcmp(function->format, "(ddd)") == 0) {
        return Py_BuildValue("(dd)", 0.0, 0.0);
    }
    return Py_BuildValue(function->format, function->value);
}

/* Raises what Linux raises for arguments without meaning, where libraries probe for it. */
static int check_arguments(const struct unavailable *function, PyObject *arguments)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (*function->parameters == 0 && count != 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes no arguments (%zd given)", function->name, count);
        return -1;
    }
    int number = 0, error = 0;
    PyObject *mask;
    if (strcmp(function->name, "sched_getaffinity") == 0) {
        if (!PyArg_ParseTuple(arguments, "i", &number)) {
            return -1;
        }
        error = number == 0 || number == getpid() ? 0 : ESRCH;
    } else if (strcmp(function->name, "pthread_sigmask") == 0) {
        if (!PyArg_ParseTuple(arguments, "iO", &number, &mask)) {
            return -1;
        }
        error = number >= 0 && number <= 2 ? 0 : EINVAL;
    }
    if (error != 0) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

/* The body of all of them; `self` is the address of the function's description. */
static PyObject *call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    const struct unavailable *function = PyLong_AsVoidPtr(self);
    if (function == NULL) {
        return NULL;
    }
    if (check_arguments(function, arguments) < 0) {
        return NULL;
    }
    if (function->error == 0) {
        return fixed_value(function);
    }
    PyObject *text = PyUnicode_FromFormat("%s (%s)", strerror(function->error), function->reason);
    /* CPython's errors name the path, except those of execv. */
    bool has_path = PyTuple_GET_SIZE(arguments) > 0 && strncmp(function->parameters, "path", 4) == 0
        && strcmp(function->name, "execv") != 0;
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
    bool is_posix = PyUnicode_EqualToUTF8(name, "posix");
    int result = 0;
    for (const struct unavailable *function = is_posix ? in_posix : in_signal; result == 0 && function->name != NULL;
         function++) {
        if (PyObject_HasAttrString(module, function->name)) {
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
