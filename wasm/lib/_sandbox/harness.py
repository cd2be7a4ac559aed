"""Gets the interpreter ready for scripts; everything here runs before the snapshot.

What `guest.c` takes from here is bound now, so that a script that replaces modules or builtins
changes nothing but its own view of them.
"""

import importlib
import sys

from _sandbox.preload import MODULES

for _name in MODULES:
    importlib.import_module(_name)

import asyncio
import gc
import json.encoder
import linecache
import os
import random
import tempfile

import _script
from _frozen_importlib import ModuleSpec
from _sandbox import event_loop, time_zones
from _sandbox.failure import describe
from _sandbox.importer import ArchiveImporter

event_loop.install()
time_zones.install()
tempfile.tempdir = os.environ["TMPDIR"]
os.chdir(os.environ["HOME"])


class ScriptLoader:
    """Knows the script's source, for tracebacks and `inspect`."""

    @staticmethod
    def get_source(name):
        return _script.source()


def _script_module():
    module = type(sys)("script")
    module.__file__ = "script.py"
    module.__loader__ = ScriptLoader
    module.__spec__ = ModuleSpec("script", ScriptLoader, origin="script.py")
    module.__builtins__ = sys.modules["builtins"]
    sys.modules["script"] = module
    return module


script_globals = _script_module().__dict__
reseed = random.seed
await_main = asyncio.run


def _refuse(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


# json.dumps(value, allow_nan=False) without its Python part: markers, default, string encoder,
# indent, separators, sort_keys, skipkeys, allow_nan.
encode = json.encoder.c_make_encoder(
    {}, _refuse, json.encoder.c_encode_basestring_ascii, None, ": ", ", ", False, False, False
)


def flush(_streams=(sys.stdout, sys.stderr)):
    """Writes out what the standard streams hold, and what a script has put in their place."""
    for stream in (sys.stdout, sys.stderr, *_streams):
        try:
            stream.flush()
        except BaseException:
            pass


def settle():
    """Leaves the heap as a script should find it."""
    # The modules that had to exist before the importer did are like all others from here on.
    for name in ("abc", "codecs", "encodings", "encodings.aliases", "encodings.utf_8", "io"):
        module = sys.modules[name]
        module.__spec__ = ArchiveImporter.find_spec(name)
        module.__loader__ = ArchiveImporter
        module.__file__ = module.__spec__.origin
    linecache.clearcache()
    gc.collect()
    gc.freeze()
