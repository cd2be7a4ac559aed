"""The script's source, for tracebacks, warnings and `inspect`."""

import linecache

import _script

FILE_NAME = "script.py"


class Source(str):
    """Text that has lines where Python's parser sees them, and nowhere else."""

    def splitlines(self, keepends=False):
        lines = self.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not lines[-1]:
            del lines[-1]
        return [line + "\n" for line in lines] if keepends else lines


class ScriptLoader:
    """Stands in `__loader__` of the module `script`."""

    @staticmethod
    def get_filename(name):
        return FILE_NAME

    @staticmethod
    def get_source(name):
        return Source(_script.source())


def register():
    """Lets linecache read the script's lines when they are first needed."""
    linecache.cache[FILE_NAME] = (lambda: ScriptLoader.get_source("script"),)
