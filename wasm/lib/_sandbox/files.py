"""The script's place in the file system: its scratch directory."""

import _frozen_importlib_external
import os
import posix
import sys
import tempfile
import zipimport

from _sandbox import importer


def _chdir(path, _chdir=posix.chdir):
    # wasi-libc leaves `..` in the current directory; there are no links, so it can be resolved here.
    try:
        _chdir(os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(path))))
    except OSError as error:
        error.filename = path
        raise


def install():
    """Moves to the scratch directory; scripts may import what they write there."""
    os.chdir = posix.chdir = _chdir
    scratch = os.environ["TMPDIR"]
    os.chdir(scratch)
    tempfile.tempdir = scratch
    sys.path[:] = [scratch]
    sys.path_hooks[:] = [
        importer.Directory,
        zipimport.zipimporter,
        _frozen_importlib_external.FileFinder.path_hook(
            (_frozen_importlib_external.SourceFileLoader, [".py"]),
            (_frozen_importlib_external.SourcelessFileLoader, [".pyc"]),
        ),
    ]
    sys.meta_path += [_frozen_importlib_external.PathFinder, importer.MissingModules]
