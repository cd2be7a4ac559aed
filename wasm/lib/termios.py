"""Terminal control. No descriptor here is a terminal, so every call raises what Linux raises then."""

import errno as _errno
import os as _os


class error(Exception):
    """An error of a call of this module."""


TCSANOW, TCSADRAIN, TCSAFLUSH = range(3)
TCIFLUSH, TCOFLUSH, TCIOFLUSH = range(3)
TCOOFF, TCOON, TCIOFF, TCION = range(4)
BRKINT, ICRNL, IGNBRK, IGNCR, IGNPAR, INLCR, INPCK, ISTRIP, IXOFF, IXON, IXANY, PARMRK, IUCLC = (
    2, 256, 1, 128, 4, 64, 16, 32, 4096, 1024, 2048, 8, 512,
)
OPOST, ONLCR, OCRNL, ONOCR, ONLRET, OFILL, OFDEL, OLCUC = 1, 4, 8, 16, 32, 64, 128, 2
CSIZE, CS5, CS6, CS7, CS8, CSTOPB, CREAD, PARENB, PARODD, HUPCL, CLOCAL = (
    48, 0, 16, 32, 48, 64, 128, 256, 512, 1024, 2048,
)
ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHONL, NOFLSH, TOSTOP, IEXTEN = 1, 2, 8, 16, 32, 64, 128, 256, 32768
VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL = range(12)
NCCS = 32
B0, B9600, B19200, B38400, B57600, B115200 = 0, 13, 14, 15, 4097, 4098
TIOCGWINSZ, TIOCSWINSZ, FIONREAD = 0x5413, 0x5414, 0x541B


def _fail(fd):
    _os.fstat(fd if isinstance(fd, int) else fd.fileno())
    raise error(_errno.ENOTTY, _os.strerror(_errno.ENOTTY))


def tcgetattr(fd, /):
    """The attributes of a terminal."""
    _fail(fd)


def tcsetattr(fd, when, attributes, /):
    """Sets the attributes of a terminal."""
    _fail(fd)


def tcsendbreak(fd, duration, /):
    """Sends a break."""
    _fail(fd)


def tcdrain(fd, /):
    """Waits until all output is written."""
    _fail(fd)


def tcflush(fd, queue, /):
    """Discards queued data."""
    _fail(fd)


def tcflow(fd, action, /):
    """Suspends or resumes input or output."""
    _fail(fd)


def tcgetwinsize(fd, /):
    """The size of a terminal."""
    _fail(fd)


def tcsetwinsize(fd, winsize, /):
    """Sets the size of a terminal."""
    _fail(fd)
