"""Says of functions that `os` does not have here why that is so."""

import os

# What each of them would need. Whether `os` has a function can still be asked with hasattr.
NEEDS = {
    "other processes": """
        execl execle execlp execlpe execv execve execvp execvpe fork forkpty getloadavg getpgid getpgrp getppid getpriority getsid kill killpg
        mkfifo nice pidfd_open pipe pipe2 posix_spawn posix_spawnp register_at_fork sched_getaffinity
        sched_setaffinity setpgid setpgrp setpriority setsid spawnl spawnle spawnlp spawnlpe spawnv
        spawnve spawnvp spawnvpe system wait wait3 wait4 waitid waitpid
    """,
    "users and permissions": """
        chown chroot fchmod fchown getgrouplist getgroups getlogin getresgid getresuid getxattr
        initgroups lchmod lchown listxattr removexattr setegid seteuid setgid setgroups setregid
        setresgid setresuid setreuid setuid setxattr
    """,
    "a terminal": "ctermid login_tty openpty ptsname posix_openpt tcgetpgrp tcsetpgrp ttyname",
    "a Unix kernel": """
        copy_file_range dup2 eventfd fchdir fstatvfs fwalk lockf memfd_create mknod sendfile splice
        statvfs sync
    """,
}
REASONS = {name: reason for reason, names in NEEDS.items() for name in names.split()}


def _absent(name):
    if name in REASONS:
        reason = f"the sandbox does not have it, because it needs {REASONS[name]}"
        raise AttributeError(f"module 'os' has no attribute {name!r}: {reason}")
    raise AttributeError(f"module 'os' has no attribute {name!r}", name=name, obj=os)


def install():
    # `os` defines these whether or not there is an execv that they could call.
    for name in "execl execle execlp execlpe execvp execvpe".split():
        delattr(os, name)
        os.__all__.remove(name)
    os.__getattr__ = _absent
