"""What nearly every script uses, imported before the snapshot so that it costs a script nothing."""

MODULES = """
abc array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections
collections.abc contextlib contextvars copy copyreg csv dataclasses datetime decimal enum
errno fnmatch fractions functools gc hashlib heapq hmac inspect io itertools json
keyword linecache locale logging math numbers operator os pathlib pprint queue random re
reprlib secrets shutil string struct statistics sys tempfile textwrap threading time traceback types
typing unicodedata urllib.parse uuid warnings weakref zlib
_strptime encodings.ascii encodings.latin_1
""".split()
