"""Memory-mapped files, which the sandbox does not have: making one raises what Linux raises for files that
cannot be mapped."""

import errno as _errno
import os as _os

error = OSError
ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
MAP_SHARED, MAP_PRIVATE, MAP_ANON, MAP_ANONYMOUS, MAP_32BIT = 1, 2, 32, 32, 64
MAP_DENYWRITE, MAP_EXECUTABLE, MAP_NORESERVE, MAP_POPULATE, MAP_STACK = 2048, 4096, 16384, 32768, 131072
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
PAGESIZE = ALLOCATIONGRANULARITY = _os.sysconf("SC_PAGE_SIZE")


class mmap:
    """A file's bytes in memory."""

    def __new__(cls, fileno, length, *arguments, **keywords):
        if fileno != -1:
            _os.fstat(fileno)
        raise OSError(_errno.ENODEV, f"{_os.strerror(_errno.ENODEV)} (the sandbox cannot map files into memory)")
