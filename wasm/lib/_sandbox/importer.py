"""The importer of the standard library, which is an archive in the guest.

Runs before anything else can be imported: only what is compiled in may be used here.
"""

import _archive
import sys
from _frozen_importlib import ModuleSpec, _call_with_frames_removed

ROOT = sys._stdlib_dir + "/"

# Parts of the standard library that cannot work here, and the feature that each would need.
MISSING = {
    "ctypes": "foreign code", "_ctypes": "foreign code",
    "_ssl": "a network",
    "tkinter": "a screen", "_tkinter": "a screen", "turtle": "a screen", "idlelib": "a screen",
    "curses": "a terminal", "_curses": "a terminal", "readline": "a terminal",
    "venv": "other processes", "ensurepip": "other processes", "_posixsubprocess": "other processes",
    "_multiprocessing": "other processes", "_posixshmem": "other processes",
}


class ArchiveImporter:
    """Finds and loads modules in the archive."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        file = name.replace(".", "/")
        is_package = _archive.has(file + "/__init__.pyc")
        if not is_package and not _archive.has(file + ".pyc"):
            return None
        spec = ModuleSpec(name, cls, is_package=is_package)
        spec.origin = ROOT + file + ("/__init__.py" if is_package else ".py")
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [ROOT + file]
        return spec

    @staticmethod
    def create_module(spec):
        return None

    @classmethod
    def exec_module(cls, module):
        _call_with_frames_removed(exec, cls.get_code(module.__spec__.name), module.__dict__)

    @classmethod
    def is_package(cls, name):
        return _archive.has(name.replace(".", "/") + "/__init__.pyc")

    @classmethod
    def get_filename(cls, name):
        return ROOT + name.replace(".", "/") + ("/__init__.py" if cls.is_package(name) else ".py")

    @classmethod
    def get_code(cls, name):
        code = _archive.code(cls.get_filename(name)[len(ROOT):] + "c")
        if code is None:
            raise ImportError(f"the standard library has no code for {name!r}", name=name)
        return code

    @classmethod
    def get_source(cls, name):
        source = _archive.read(cls.get_filename(name)[len(ROOT):] + ".z")
        if source is None:
            return None
        import zlib
        return zlib.decompress(source).decode()

    @staticmethod
    def get_data(path):
        data = _archive.read(path[len(ROOT):]) if path.startswith(ROOT) else None
        if data is None:
            raise FileNotFoundError(2, "No such file in the standard library", path)
        return data


class Directory:
    """A directory of the archive as an entry of a path, for code that lists the modules in it."""

    def __init__(self, path):
        self.prefix = path.rstrip("/")[len(ROOT):]
        if not (path + "/").startswith(ROOT) or not _archive.has(self.prefix + "/__init__.pyc"):
            raise ImportError("only packages of the standard library are supported", path=path)

    def find_spec(self, name, target=None):
        return ArchiveImporter.find_spec(name)

    def iter_modules(self, prefix=""):
        """Yields the names of the modules, in order, and whether each is a package."""
        found = {}
        for path in _archive.paths():
            if path.startswith(self.prefix + "/") and path.endswith(".pyc"):
                parts = path[len(self.prefix) + 1 : -4].split("/")
                if len(parts) == 1 and parts[0] != "__init__":
                    found[parts[0]] = False
                elif len(parts) == 2 and parts[1] == "__init__":
                    found[parts[0]] = True
        for name in sorted(found):
            yield prefix + name, found[name]


class MissingModules:
    """Explains why the sandbox does not have a module that was not found."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in MISSING:
            reason = f"No module named {name!r}: the sandbox does not have it, because it needs {MISSING[name]}"
            raise ModuleNotFoundError(reason, name=name)
        return None


def install():
    """Puts the importer behind the compiled-in and frozen modules and drops the one for files."""
    sys.meta_path[2:] = [ArchiveImporter]


install()
