"""Gets the interpreter ready for scripts; everything here runs before the snapshot.

What `guest.c` takes from here is bound now, so that a script that replaces modules or builtins
changes nothing but its own view of them.
"""

import importlib
import sys

# Before the other modules, which take the memory that this is done with.
from _sandbox import patterns as _
from _sandbox.preload import MODULES

# asyncio would import it, and no script could use it there.
sys.modules["ssl"] = None
for _name in MODULES:
    importlib.import_module(_name)
del sys.modules["ssl"]

import asyncio
import atexit
import builtins
import gc
import io
import itertools
import json.encoder
import linecache
import random

import _sitebuiltins
from _frozen_importlib import ModuleSpec
from _sandbox import event_loop, files, missing_functions, source
from _sandbox.failure import describe
from _sandbox.importer import ArchiveImporter
from _sandbox.rehearsal import SCRIPTS as rehearsal_scripts

event_loop.install()
files.install()
missing_functions.install()
builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
builtins.help = _sitebuiltins._Helper()
builtins.copyright = _sitebuiltins._Printer("copyright", sys.copyright)
builtins.credits = _sitebuiltins._Printer("credits", "See https://www.python.org for more information.")
builtins.license = _sitebuiltins._Printer("license", "See https://docs.python.org/3.13/license.html")


def new_script():
    """Makes the module `script` and gives its namespace, in which the script will run."""
    module = type(sys)("script")
    module.__file__ = source.FILE_NAME
    module.__loader__ = source.ScriptLoader
    module.__spec__ = ModuleSpec("script", source.ScriptLoader, origin=source.FILE_NAME)
    module.__builtins__ = builtins
    # Library code that looks for the main program finds the script.
    sys.modules["script"] = sys.modules["__main__"] = module
    sys.argv = [source.FILE_NAME]
    return module.__dict__


random_generator = random._inst
await_main = asyncio.run
run_at_exit = atexit._run_exitfuncs


def _refuse(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


# json.dumps(value, allow_nan=False) without its Python part: markers, default, string encoder,
# indent, separators, sort_keys, skipkeys, allow_nan.
encode = json.encoder.c_make_encoder(
    {}, _refuse, json.encoder.c_encode_basestring_ascii, None, ": ", ", ", False, False, False
)


def renew_streams():
    """Makes stdout and stderr anew, so that what printing changes lies beside a run's new objects."""
    for descriptor, name in (1, "stdout"), (2, "stderr"):
        old = getattr(sys, name)
        binary = open(descriptor, "wb", closefd=False)
        binary.raw.name = old.name
        new = io.TextIOWrapper(
            binary, old.encoding, old.errors, newline="\n", line_buffering=old.line_buffering
        )
        new.mode = old.mode
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def settle():
    """Leaves the heap as a script should find it."""
    # The modules that had to exist before the importer did are like all others from here on.
    for name in ("abc", "codecs", "encodings", "encodings.aliases", "encodings.utf_8", "io"):
        module = sys.modules[name]
        module.__spec__ = ArchiveImporter.find_spec(name)
        module.__loader__ = ArchiveImporter
        module.__file__ = module.__spec__.origin
    linecache.clearcache()
    source.register()
    atexit._clear()
    # As if no loop had run yet.
    asyncio.events._event_loop_policy = None
    asyncio.tasks._task_name_counter = itertools.count(1).__next__
    gc.collect()
    gc.freeze()
