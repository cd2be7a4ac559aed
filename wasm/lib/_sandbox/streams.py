"""The standard streams, opened as Python opens them with `LANG=C.UTF-8` and pipes."""

import io
import sys


def open_stdin():
    """Opens standard input."""
    binary = io.open(0, "rb", closefd=False)
    binary.raw.name = "<stdin>"
    stdin = io.TextIOWrapper(binary, "utf-8", "surrogateescape", newline="\n")
    stdin.mode = "r"
    return stdin


def renew_output_streams(unbuffered=False):
    """Makes stdout and stderr anew, so that what printing changes lies beside a run's new objects; `unbuffered`, they
    are those of `python -u`."""
    for descriptor, name in (1, "stdout"), (2, "stderr"):
        binary = io.open(descriptor, "wb", 0 if unbuffered else -1, closefd=False)
        raw = binary if unbuffered else binary.raw
        raw.name = f"<{name}>"
        stream = io.TextIOWrapper(
            binary, "utf-8", "backslashreplace", newline="\n", line_buffering=name == "stderr",
            write_through=unbuffered,
        )
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
