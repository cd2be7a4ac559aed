"""File control. Locks are between processes, and there is one, so they are always granted."""

import errno as _errno
import os as _os
from operator import index as _index

F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL = range(5)
F_GETLK, F_SETLK, F_SETLKW, F_SETOWN, F_GETOWN = range(5, 10)
F_GETLK64, F_SETLK64, F_SETLKW64 = F_GETLK, F_SETLK, F_SETLKW
F_RDLCK, F_WRLCK, F_UNLCK = range(3)
F_EXLCK, F_SHLCK = 4, 8
F_SETSIG, F_GETSIG = 10, 11
F_SETOWN_EX, F_GETOWN_EX = 15, 16
F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
F_SETLEASE, F_GETLEASE, F_NOTIFY = 1024, 1025, 1026
F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS = range(1030, 1035)
F_GET_RW_HINT, F_SET_RW_HINT, F_GET_FILE_RW_HINT, F_SET_FILE_RW_HINT = range(1035, 1039)
F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP = range(3)
F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE = 1, 2, 4, 8, 16
RWH_WRITE_LIFE_NOT_SET, RWH_WRITE_LIFE_NONE, RWH_WRITE_LIFE_SHORT = range(3)
RWH_WRITE_LIFE_MEDIUM, RWH_WRITE_LIFE_LONG, RWH_WRITE_LIFE_EXTREME = range(3, 6)
DN_ACCESS, DN_MODIFY, DN_CREATE, DN_DELETE, DN_RENAME, DN_ATTRIB, DN_MULTISHOT = 1, 2, 4, 8, 16, 32, 1 << 31
FICLONE, FICLONERANGE = 0x40049409, 0x4020940D
FD_CLOEXEC = 1
LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8
LOCK_MAND, LOCK_READ, LOCK_WRITE, LOCK_RW = 32, 64, 128, 192
FASYNC = 8192


def _descriptor(fd):
    """The number of an open descriptor, from a number or an object with fileno()."""
    if not isinstance(fd, int):
        fileno = getattr(fd, "fileno", None)
        if fileno is None:
            raise TypeError("argument must be an int, or have a fileno() method.")
        fd = fileno()
        if not isinstance(fd, int):
            raise TypeError("fileno() returned a non-integer")
    if not -(1 << 31) <= fd < 1 << 31:
        raise OverflowError("Python int too large to convert to C int")
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    _os.fstat(fd)
    return fd


def _fail(error):
    raise OSError(error, _os.strerror(error))


def fcntl(fd, cmd, arg=0):
    """Performs an operation on a descriptor."""
    number, cmd = _descriptor(fd), _index(cmd)
    if cmd in (F_DUPFD, F_DUPFD_CLOEXEC):
        return _os.dup(number)
    if cmd == F_GETFD:
        return 0 if _os.get_inheritable(number) else FD_CLOEXEC
    if cmd == F_SETFD:
        return 0
    if cmd == F_GETFL:
        return _os.O_RDWR | (0 if _os.get_blocking(number) else _os.O_NONBLOCK)
    if cmd == F_SETFL:
        return 0
    if cmd in (F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW):
        return arg
    _fail(_errno.EINVAL)


def flock(fd, operation):
    """Locks or unlocks a file."""
    _descriptor(fd)
    if _index(operation) & ~(LOCK_NB | LOCK_MAND | LOCK_RW) not in (LOCK_SH, LOCK_EX, LOCK_UN):
        _fail(_errno.EINVAL)


def lockf(fd, cmd, len=0, start=0, whence=0):
    """Locks or unlocks a part of a file."""
    _descriptor(fd)
    if _index(cmd) & ~LOCK_NB not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise ValueError("unrecognized lockf argument")


def ioctl(fd, request, arg=0, mutate_flag=True):
    """Performs an operation on a device; none here has any."""
    _descriptor(fd)
    _index(request)
    _fail(_errno.ENOTTY)
