"""The time zones in the archive, for zoneinfo (see edits.toml)."""

import io

import _archive

DIRECTORY = "zoneinfo/data/"


def read(key):
    """The data of a zone as a file, or None."""
    try:
        data = _archive.read(DIRECTORY + key)
    except UnicodeEncodeError:
        return None
    return None if data is None else io.BytesIO(data)


def names():
    """All of them, as a set."""
    return {path[len(DIRECTORY):] for path in _archive.paths() if path.startswith(DIRECTORY)}
