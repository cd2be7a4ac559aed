"""Says of functions that `os` does not have here why that is so."""

import os

# What each of them would need. Whether `os` has a function can still be asked with hasattr.
NEEDS = {
    "other processes": """
        fork forkpty register_at_fork execv execve execl execle execlp execlpe execvp execvpe
        posix_spawn posix_spawnp spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe
        system wait wait3 wait4 waitid waitpid kill killpg pipe pipe2 mkfifo nice getppid getpgid
        getpgrp getpriority getsid setpgid setpgrp setpriority setsid pidfd_open
        sched_getaffinity sched_setaffinity getloadavg
    """,
    "users and permissions": """
        chmod fchmod lchmod chown fchown lchown chroot getgrouplist getgroups getlogin getresgid
        getresuid initgroups setegid seteuid setgid setgroups setregid setresgid setresuid setreuid
        setuid getxattr listxattr removexattr setxattr
    """,
    "a terminal": "ctermid login_tty openpty ptsname posix_openpt tcgetpgrp tcsetpgrp ttyname",
    "a Unix kernel": """
        copy_file_range dup dup2 eventfd fchdir fwalk lockf memfd_create mknod sendfile splice
        statvfs fstatvfs sync
    """,
}
REASONS = {name: reason for reason, names in NEEDS.items() for name in names.split()}


def _absent(name):
    if name in REASONS:
        reason = f"the sandbox does not have it, because it needs {REASONS[name]}"
        raise AttributeError(f"module 'os' has no attribute {name!r}: {reason}")
    raise AttributeError(f"module 'os' has no attribute {name!r}", name=name, obj=os)


def install():
    os.__getattr__ = _absent
