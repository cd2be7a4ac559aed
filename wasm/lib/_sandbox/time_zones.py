"""The time zones in the archive, for zoneinfo (edits/sandbox.toml)."""

import io

import _archive

DIRECTORY = "zoneinfo/data/"


def read(key):
    """Returns the data of a zone as a file, or None."""
    try:
        data = _archive.read(DIRECTORY + key)
    except UnicodeEncodeError:
        return None
    return None if data is None else io.BytesIO(data)


def names():
    """Returns the names of all zones, as a set."""
    return {path[len(DIRECTORY):] for path in _archive.paths() if path.startswith(DIRECTORY)}
