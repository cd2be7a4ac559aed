/* Functions that Linux has and the sandbox cannot have, for the modules `posix` and `_signal`: they are there,
 * so that code that looks for them or replaces them finds them, and raise OSError when they are called. A few
 * have an answer that is always the same. */

#include <Python.h>

#include <errno.h>
#include <stdbool.h>

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
    {NULL},
};

static PyObject *fixed_value(const struct unavailable *function)
{
    if (strcmp(function->format, "set") == 0) {
        /* {0}, or with nothing in it. */
        PyObject *set = PySet_New(NULL);
        PyObject *zero = PyLong_FromLong(0);
        if (set == NULL || (function->value == 0 && PySet_Add(set, zero) < 0)) {
            Py_CLEAR(set);
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

/* The body of all of them; `self` is the address of the function's description. */
static PyObject *call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    const struct unavailable *function = PyLong_AsVoidPtr(self);
    if (function == NULL) {
        return NULL;
    }
    if (function->error == 0) {
        return fixed_value(function);
    }
    PyObject *text = PyUnicode_FromFormat("%s (%s)", strerror(function->error), function->reason);
    PyObject *values = text == NULL ? NULL : Py_BuildValue("(iN)", function->error, text);
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
