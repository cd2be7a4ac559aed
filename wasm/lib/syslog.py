"""The system's log, which nobody reads here: what is logged is dropped, as without a daemon."""

from operator import index as _index

(
    LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG,
) = range(8)
(
    LOG_KERN, LOG_USER, LOG_MAIL, LOG_DAEMON, LOG_AUTH, LOG_SYSLOG, LOG_LPR, LOG_NEWS, LOG_UUCP, LOG_CRON,
    LOG_AUTHPRIV, LOG_FTP,
) = range(0, 96, 8)
(
    LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3, LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7,
) = range(128, 192, 8)
LOG_PID, LOG_CONS, LOG_ODELAY, LOG_NDELAY, LOG_NOWAIT, LOG_PERROR = 1, 2, 4, 8, 16, 32

_mask = 255


def _text(value, argument):
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be str, not {type(value).__name__}")
    value.encode()


def openlog(ident="", logoption=0, facility=LOG_USER):
    """Sets options of later calls."""
    _text(ident, "openlog() argument 'ident'")
    _index(logoption), _index(facility)


def syslog(*arguments):
    """Logs a message: syslog([priority,] message)."""
    if not 1 <= len(arguments) <= 2:
        raise TypeError("syslog.syslog requires 1 to 2 arguments")
    if len(arguments) == 2:
        _index(arguments[0])
    _text(arguments[-1], f"syslog() argument {len(arguments)}")


def closelog():
    """Resets the options."""


def setlogmask(maskpri):
    """Sets which priorities are logged; returns what was set before."""
    global _mask
    before, _mask = _mask, _index(maskpri) or _mask
    return before


def LOG_MASK(pri):
    """The mask for one priority."""
    return 1 << _index(pri)


def LOG_UPTO(pri):
    """The mask for all priorities up to one."""
    return (1 << (_index(pri) + 1)) - 1
