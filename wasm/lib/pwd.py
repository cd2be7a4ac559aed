"""The password database: the one user of the sandbox."""

from os import getuid
from collections import namedtuple as _namedtuple


class struct_passwd(_namedtuple("struct_passwd", "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell")):
    """An entry of the password database."""

    __slots__ = ()


def _user():
    return struct_passwd("user", "x", getuid(), getuid(), "", "/tmp", "/bin/sh")


def getpwall():
    """All entries of the database."""
    return [_user()]


def getpwuid(uid):
    """The entry of a user, by its number."""
    if uid != getuid():
        raise KeyError(f"getpwuid(): uid not found: {uid}")
    return _user()


def getpwnam(name):
    """The entry of a user, by its name."""
    if name != "user":
        raise KeyError(f"getpwnam(): name not found: {name!r}")
    return _user()
