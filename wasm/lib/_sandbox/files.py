"""The scratch directory of a script, and imports from it."""

import _frozen_importlib_external
import os
import sys
import tempfile
import zipimport

from _sandbox import importer


def install():
    """Moves to the scratch directory; scripts may import what they write there."""
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
