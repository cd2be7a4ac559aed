"""Preparation of the interpreter for scripts, before the snapshot, and of each run of one.

The functions that `guest/abi/run.c` takes from here are bound now, so that a script that replaces modules or
builtins changes nothing but its own view of them.
"""

import importlib
import sys

# Before the other modules: those get the memory that this one frees.
from _sandbox import patterns as _
from _sandbox import missing_functions
from _sandbox.preload import MODULES

# Other modules look at what os has when they are imported.
missing_functions.install()

# asyncio would import it, and no script could use it there.
sys.modules["ssl"] = None
for _name in MODULES:
    importlib.import_module(_name)
del sys.modules["ssl"]

import asyncio
import atexit
import builtins
import gc
import itertools
import json.encoder
import linecache
import random

import _sitebuiltins
from _frozen_importlib import ModuleSpec
from _sandbox import display, event_loop, files, source
from _sandbox.cell import await_cell, compile_cell, encode_cell
from _sandbox.failure import describe
from _sandbox.input import apply as apply_input
from _sandbox.importer import ArchiveImporter
from _sandbox.streams import open_stdin, renew_output_streams
from _sandbox.warmup import SCRIPTS as warm_up_scripts

event_loop.install()
files.install()
builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
builtins.help = _sitebuiltins._Helper()
builtins.copyright = _sitebuiltins._Printer("copyright", sys.copyright)
builtins.credits = _sitebuiltins._Printer("credits", "See https://www.python.org for more information.")
builtins.license = _sitebuiltins._Printer(
    "license", "See https://docs.python.org/%d.%d/license.html" % sys.version_info[:2]
)


random_generator = random._inst
await_main = asyncio.run
run_at_exit = atexit._run_exitfuncs


def new_run():
    """Makes what is new for each run; returns the namespace for the script and the encoder for its result."""
    # Made before the snapshot for the first run, so that its buffer lies beside that run's new objects.
    sys.stdin = sys.__stdin__ = open_stdin()
    display.uninstall()
    linecache.clearcache()
    source.register()
    return _new_script().__dict__, _new_encoder()


def _new_script():
    """Makes the module `script`."""
    module = type(sys)("script")
    module.__file__ = source.FILE_NAME
    module.__loader__ = source.ScriptLoader
    module.__spec__ = ModuleSpec("script", source.ScriptLoader, origin=source.FILE_NAME)
    module.__builtins__ = builtins
    # Library code that looks for the main program finds the script.
    sys.modules["script"] = sys.modules["__main__"] = module
    sys.argv = [source.FILE_NAME]
    return module


def _not_serializable(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _new_encoder():
    """Makes json.dumps(value, allow_nan=False) without its Python part.

    After an error the containers that were being encoded are still in the dict of markers; an encoder that is
    used again would take them for circular references.
    """
    markers, indent, sort_keys, skip_keys, allow_nan = {}, None, False, False, False
    return json.encoder.c_make_encoder(
        markers, _not_serializable, json.encoder.c_encode_basestring_ascii, indent, ": ", ", ",
        sort_keys, skip_keys, allow_nan,
    )


def finish_startup():
    """Removes the traces of the start-up and its warm-up, and leaves the heap as a script should find it."""
    # The modules that had to exist before the importer did are like all others from here on.
    for name in ("abc", "codecs", "encodings", "encodings.aliases", "encodings.utf_8", "io"):
        module = sys.modules[name]
        module.__spec__ = ArchiveImporter.find_spec(name)
        module.__loader__ = ArchiveImporter
        module.__file__ = module.__spec__.origin
    atexit._clear()
    # As if no loop had run yet.
    asyncio.events._event_loop_policy = None
    asyncio.tasks._task_name_counter = itertools.count(1).__next__
    gc.collect()
    gc.freeze()
