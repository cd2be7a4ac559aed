"""Regular expressions of some modules, compiled ahead so that `re` has them in its cache when those are imported.

That is a fifth of the time that importing such a module takes, and to keep them takes little memory.
"""

import re

from _sandbox.importer import ArchiveImporter

MODULES = """
_markupbase difflib doctest email._encoded_words email.feedparser email.generator email.header email.message
email.policy email.utils gettext html html.parser http.client http.cookiejar platform pydoc smtplib tomllib._re
unittest.loader urllib.request
""".split()


def _calls(source):
    """Yields the calls of `re.compile` in a module, as code. To parse all of it would take more memory."""
    for start in re.finditer(r"\b_?re\.compile\(", source):
        for end in re.compile(r"\)").finditer(source, start.end()):
            try:
                yield compile(source[start.start() : end.end()], "", "eval")
                break
            except SyntaxError:
                pass  # This parenthesis closes something else.


def _compile_those_of(module):
    for call in _calls(ArchiveImporter.get_source(module)):
        try:
            eval(call, {"re": re, "_re": re})
        except NameError:
            pass  # It uses names of the module.


for _name in MODULES:
    _compile_those_of(_name)
