"""The input of a run beside its script: arguments of `main`, and what is set before the script starts."""

import json
import os
import sys
import time

from _sandbox import display
from _sandbox.streams import renew_output_streams

_scan = json.JSONDecoder().scan_once
_environment = os.environ
_set_time_zone = time.tzset


def apply(text):
    """Sets what the input, a JSON object, asks for. Returns the positional and the keyword arguments of `main`,
    whether the script is a cell, and whether the output streams have been made anew, for a reader beside the run.
    """
    given, _ = _scan(text, 0)
    sys.argv += given.get("argv", ())
    variables = given.get("env", {})
    _environment.update(variables)
    if "TZ" in variables:
        _set_time_zone()
    is_cell, is_live = "cell" in given, "live" in given
    if is_cell or "display" in given:
        display.install()
    if is_live:
        renew_output_streams(unbuffered=True)
    return tuple(given.get("args", ())), given.get("kwargs", {}), is_cell, is_live
