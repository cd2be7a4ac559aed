"""Gives zoneinfo its data: the archive's, instead of a package or a directory of files."""

import io
import zoneinfo

import _archive

DIRECTORY = "zoneinfo/data/"


def _load_tzdata(key):
    data = _archive.read(DIRECTORY + key)
    if data is None:
        raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
    return io.BytesIO(data)


def _available_timezones():
    return {path[len(DIRECTORY):] for path in _archive.paths() if path.startswith(DIRECTORY)}


def install():
    zoneinfo._common.load_tzdata = _load_tzdata
    zoneinfo.available_timezones = zoneinfo._tzpath.available_timezones = _available_timezones
