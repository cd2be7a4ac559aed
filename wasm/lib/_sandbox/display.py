"""Rich representations of objects, which notebooks show. Objects have the methods that IPython calls:
https://ipython.readthedocs.io/en/stable/config/integrating.html
"""

import binascii
import builtins
import json
import sys
from json.encoder import c_encode_basestring_ascii as quote

import _display
from _sandbox import failure

PLAIN = "text/plain"

METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "application/pdf": "_repr_pdf_",
    "image/jpeg": "_repr_jpeg_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}

# Objects that have it have every attribute that they are asked for.
CANARY = "_ipython_canary_method_should_not_exist_"

_encode = json.JSONEncoder(allow_nan=False).encode


def display(*objects, raw=False, **options):
    """Shows objects in the response, each in all the forms that it has.

    With `raw`, an object is a dict of its forms by MIME type. Other options of IPython's function have no effect.
    """
    for thing in objects:
        if raw:
            _show(thing)
        elif not _shows_itself(thing):
            _show(_forms(thing))


def install():
    """Makes `display` a builtin function for one run."""
    builtins.display = display


def uninstall():
    if vars(builtins).get("display") is display:
        del builtins.display


def show_value(value):
    """Shows the value of a cell if it has more than a text; returns the text."""
    if _shows_itself(value):
        return _repr(value)
    forms = _forms(value)
    if len(forms) > 1:
        _show(forms)
    text = forms[PLAIN]
    return text if isinstance(text, str) else _repr(value)


def _forms(thing):
    """Returns the forms of an object by MIME type; a text is always among them."""
    bundle = _represent(thing, "_repr_mimebundle_", include=None, exclude=None)
    forms = dict(bundle) if isinstance(bundle, dict) else {}
    for kind, name in METHODS.items():
        if kind not in forms and (data := _represent(thing, name)) is not None:
            forms[kind] = data
    if PLAIN not in forms:
        forms[PLAIN] = _repr(thing)
    return forms


def _shows_itself(thing):
    """Lets an object do it that has a method for that; returns whether it has."""
    method = _method(thing, "_ipython_display_")
    if method is None:
        return False
    _guarded(method)
    return True


def _method(thing, name):
    if isinstance(thing, type):
        return None
    try:
        method = getattr(thing, name, None)
        return method if callable(method) and getattr(thing, CANARY, None) is None else None
    except Exception:
        return None


def _represent(thing, name, **options):
    method = _method(thing, name)
    data = None if method is None else _guarded(method, **options)
    # Some return metadata as well.
    return data[0] if isinstance(data, tuple) and len(data) == 2 else data


def _repr(thing):
    text = _guarded(repr, thing)
    return object.__repr__(thing) if text is None else text


def _guarded(function, *arguments, **options):
    """Calls a function of the script; returns None if that fails, after printing the traceback."""
    try:
        return function(*arguments, **options)
    except MemoryError:
        raise
    except Exception as exception:
        exception.__traceback__ = failure.script_frames(exception)
        failure.print_traceback(exception, sys.stderr)
        return None


def _show(forms):
    entries = []
    for kind, data in forms.items():
        entry = _guarded(_entry, kind, data)
        if entry is not None:
            entries.append(entry)
    _display.show("{" + ", ".join(entries) + "}")


def _entry(kind, data):
    if isinstance(data, (bytes, bytearray)):
        data = binascii.b2a_base64(data, newline=False).decode()
    elif not isinstance(data, str):
        data = _encode(data)
    return f"{quote(kind)}: {quote(data)}"
