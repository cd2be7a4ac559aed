"""File control. Locks are between processes, and there is one, so they are always granted."""

import errno as _errno
import os as _os

F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL = range(5)
F_GETLK, F_SETLK, F_SETLKW, F_SETOWN, F_GETOWN = range(5, 10)
F_GETLK64, F_SETLK64, F_SETLKW64 = F_GETLK, F_SETLK, F_SETLKW
F_RDLCK, F_WRLCK, F_UNLCK = range(3)
F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ = 1030, 1031, 1032
FD_CLOEXEC = 1
LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8
LOCK_MAND, LOCK_READ, LOCK_WRITE, LOCK_RW = 32, 64, 128, 192
FASYNC = 8192


def _descriptor(fd):
    number = fd if isinstance(fd, int) else fd.fileno()
    if not isinstance(number, int):
        raise TypeError("fileno() returned a non-integer")
    if number < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({number})")
    _os.fstat(number)
    return number


def _fail(error):
    raise OSError(error, _os.strerror(error))


def fcntl(fd, cmd, arg=0):
    """Performs an operation on a descriptor."""
    number = _descriptor(fd)
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
    if cmd in (F_GETLK, F_SETLK, F_SETLKW):
        return arg
    _fail(_errno.EINVAL)


def flock(fd, operation):
    """Locks or unlocks a file."""
    _descriptor(fd)
    if operation & ~(LOCK_NB | LOCK_MAND | LOCK_RW) not in (LOCK_SH, LOCK_EX, LOCK_UN):
        _fail(_errno.EINVAL)


def lockf(fd, cmd, len=0, start=0, whence=0):
    """Locks or unlocks a part of a file."""
    _descriptor(fd)
    if cmd & ~LOCK_NB not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise ValueError("unrecognized lockf argument")


def ioctl(fd, request, arg=0, mutate_flag=True):
    """Performs an operation on a device; none here has any."""
    _descriptor(fd)
    _fail(_errno.ENOTTY)
