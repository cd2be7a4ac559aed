"""Errors that explain why `os` lacks a function.

Most functions that cannot work are there and fail when they are called (guest/modules/unavailable.c). These are
not, because libraries choose their implementation by whether `os` has them.
"""

import os

REASONS = dict.fromkeys(("fork", "forkpty", "register_at_fork"), "it cannot start processes")

# Arguments of functions that are there, with Linux's values.
ARGUMENTS = {
    "P_WAIT": 0, "P_NOWAIT": 1, "P_NOWAITO": 1,
    "POSIX_SPAWN_OPEN": 0, "POSIX_SPAWN_CLOSE": 1, "POSIX_SPAWN_DUP2": 2, "POSIX_SPAWN_CLOSEFROM": 3,
    "P_ALL": 0, "P_PID": 1, "P_PGID": 2, "P_PIDFD": 3,
    "WNOHANG": 1, "WUNTRACED": 2, "WSTOPPED": 2, "WEXITED": 4, "WCONTINUED": 8, "WNOWAIT": 1 << 24,
    "CLD_EXITED": 1, "CLD_KILLED": 2, "CLD_DUMPED": 3, "CLD_TRAPPED": 4, "CLD_STOPPED": 5, "CLD_CONTINUED": 6,
    "PRIO_PROCESS": 0, "PRIO_PGRP": 1, "PRIO_USER": 2,
    "CLONE_NEWTIME": 1 << 7, "CLONE_VM": 1 << 8, "CLONE_FS": 1 << 9, "CLONE_FILES": 1 << 10,
    "CLONE_SIGHAND": 1 << 11, "CLONE_THREAD": 1 << 16, "CLONE_NEWNS": 1 << 17, "CLONE_SYSVSEM": 1 << 18,
    "CLONE_NEWCGROUP": 1 << 25, "CLONE_NEWUTS": 1 << 26, "CLONE_NEWIPC": 1 << 27, "CLONE_NEWUSER": 1 << 28,
    "CLONE_NEWPID": 1 << 29, "CLONE_NEWNET": 1 << 30,
    "XATTR_CREATE": 1, "XATTR_REPLACE": 2, "XATTR_SIZE_MAX": 65536,
    "EFD_SEMAPHORE": 1, "EFD_NONBLOCK": 0o4000, "EFD_CLOEXEC": 0o2000000,
    "MFD_CLOEXEC": 1, "MFD_ALLOW_SEALING": 2, "MFD_HUGETLB": 4, "MFD_HUGE_SHIFT": 26, "MFD_HUGE_MASK": 63,
    "MFD_HUGE_64KB": 16 << 26, "MFD_HUGE_512KB": 19 << 26, "MFD_HUGE_1MB": 20 << 26, "MFD_HUGE_2MB": 21 << 26,
    "MFD_HUGE_8MB": 23 << 26, "MFD_HUGE_16MB": 24 << 26, "MFD_HUGE_32MB": 25 << 26, "MFD_HUGE_256MB": 28 << 26,
    "MFD_HUGE_512MB": 29 << 26, "MFD_HUGE_1GB": 30 << 26, "MFD_HUGE_2GB": 31 << 26, "MFD_HUGE_16GB": 34 << 26,
    "SPLICE_F_MOVE": 1, "SPLICE_F_NONBLOCK": 2, "SPLICE_F_MORE": 4,
    "O_NDELAY": os.O_NONBLOCK, "O_FSYNC": os.O_SYNC, "O_LARGEFILE": 0,
}


def _absent(name):
    if name in REASONS:
        reason = f"the sandbox does not have it, because {REASONS[name]}"
        raise AttributeError(f"module 'os' has no attribute {name!r}: {reason}", name=name, obj=os)
    raise AttributeError(f"module 'os' has no attribute {name!r}", name=name, obj=os)


def install():
    os.__getattr__ = _absent
    for name, value in ARGUMENTS.items():
        setattr(os, name, value)
    os.__all__.extend(ARGUMENTS)
