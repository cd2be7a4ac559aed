"""What nearly every script uses, imported before the snapshot so that it costs a script nothing."""

MODULES = """
abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections
collections.abc contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib enum
errno fnmatch fractions functools gc glob graphlib hashlib heapq hmac html inspect io itertools json
keyword linecache locale logging math numbers operator os pathlib pickle pprint queue random re
reprlib secrets shutil string struct statistics sys tempfile textwrap threading time traceback types
typing unicodedata urllib.parse uuid warnings weakref zlib
_strptime encodings.ascii encodings.idna encodings.latin_1 zoneinfo
""".split()
