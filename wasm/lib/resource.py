"""Limits and usage of the run, as far as the sandbox has them."""

import os as _os
import time as _time
from collections import namedtuple as _namedtuple
from operator import index as _index

error = OSError
RLIM_INFINITY = -1
(
    RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
    RLIMIT_MEMLOCK, RLIMIT_AS, _, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME,
) = range(16)
RLIMIT_OFILE = RLIMIT_NOFILE
RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD = 0, -1, 1

struct_rusage = _namedtuple(
    "struct_rusage",
    "ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock"
    " ru_msgsnd ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw",
)


def _memory():
    return _os.sysconf("SC_PHYS_PAGES") * getpagesize()


def _int(value):
    value = _index(value)
    if not -(1 << 31) <= value < 1 << 31:
        raise OverflowError("Python int too large to convert to C int")
    return value


def _limit(value):
    value = _index(value)
    if value < 0 and value != RLIM_INFINITY:
        raise ValueError("Cannot convert negative int")
    if value >= 1 << 64:
        raise OverflowError("Python int too large to convert to C rlim_t")
    return value


def getrlimit(resource, /):
    """The soft and the hard limit of a resource."""
    resource = _int(resource)
    if resource not in range(16) or resource == 10:
        raise ValueError("invalid resource specified")
    if resource in (RLIMIT_AS, RLIMIT_DATA, RLIMIT_RSS):
        limit = _memory()
    elif resource == RLIMIT_NOFILE:
        limit = _os.sysconf("SC_OPEN_MAX")
    elif resource == RLIMIT_FSIZE:
        disk = _os.statvfs("/tmp")
        limit = disk.f_blocks * disk.f_frsize
    elif resource in (RLIMIT_CORE, RLIMIT_NPROC):
        limit = 0
    else:
        limit = RLIM_INFINITY
    return limit, limit


def setrlimit(resource, limits, /):
    """Changes nothing: only those who start the script set its limits."""
    resource, limits = _int(resource), tuple(limits)
    if len(limits) != 2:
        raise ValueError("expected a tuple of 2 integers")
    soft, hard = map(_limit, limits)
    now = getrlimit(resource)[1]
    if now != RLIM_INFINITY and (hard == RLIM_INFINITY or hard > now):
        raise ValueError("not allowed to raise maximum limit")
    if hard != RLIM_INFINITY and (soft == RLIM_INFINITY or soft > hard):
        raise ValueError("current limit exceeds maximum limit")


def prlimit(pid, resource, limits=None, /):
    """As getrlimit, and as setrlimit with limits."""
    if _int(pid) not in (0, _os.getpid()):
        raise ProcessLookupError(3, "No such process")
    before = getrlimit(resource)
    if limits is not None:
        setrlimit(resource, limits)
    return before


def getrusage(who, /):
    """What the script has used: processor time, and memory in KiB."""
    who = _int(who)
    if who not in (RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD):
        raise ValueError("invalid who parameter")
    if who == RUSAGE_CHILDREN:
        return struct_rusage(0.0, 0.0, *[0] * 14)
    free = _os.sysconf("SC_AVPHYS_PAGES") * getpagesize()
    return struct_rusage(_time.process_time(), 0.0, (_memory() - free) // 1024, *[0] * 13)


def getpagesize():
    """The size of a page of memory in bytes."""
    return _os.sysconf("SC_PAGE_SIZE")


del _
