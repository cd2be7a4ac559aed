"""The password database: root, which every Linux has, and the one user of the sandbox."""

from os import getuid
from collections import namedtuple as _namedtuple
from operator import index as _index


class struct_passwd(_namedtuple("struct_passwd", "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell")):
    """An entry of the password database."""

    __slots__ = ()


def getpwall():
    """All entries of the database."""
    return [
        struct_passwd("root", "x", 0, 0, "root", "/root", "/bin/sh"),
        struct_passwd("user", "x", getuid(), getuid(), "", "/tmp", "/bin/sh"),
    ]


def getpwuid(uid, /):
    """The entry of a user, by its number."""
    try:
        number = _index(uid)
    except TypeError:
        raise TypeError(f"uid should be integer, not {type(uid).__name__}") from None
    for entry in getpwall():
        if entry.pw_uid == number:
            return entry
    number = f": {number}" if -1 <= number < 1 << 32 else ""
    raise KeyError(f"getpwuid(): uid not found{number}")


def getpwnam(name, /):
    """The entry of a user, by its name."""
    if not isinstance(name, str):
        raise TypeError(f"getpwnam() argument must be str, not {type(name).__name__}")
    if b"\0" in name.encode():
        raise ValueError("embedded null byte")
    for entry in getpwall():
        if entry.pw_name == name:
            return entry
    raise KeyError(f"getpwnam(): name not found: {name!r}")
