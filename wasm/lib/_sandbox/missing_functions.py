"""Says of functions that `os` does not have here why that is so.

Most of what cannot work is there and fails when it is called (guest/unavailable.c). These would lead libraries
astray: they choose their ways by whether `os` has them.
"""

import os

REASONS = dict.fromkeys(("fork", "forkpty", "register_at_fork"), "it cannot start processes")


def _absent(name):
    if name in REASONS:
        reason = f"the sandbox does not have it, because {REASONS[name]}"
        raise AttributeError(f"module 'os' has no attribute {name!r}: {reason}", name=name, obj=os)
    raise AttributeError(f"module 'os' has no attribute {name!r}", name=name, obj=os)


def install():
    os.__getattr__ = _absent
    # Arguments of functions that are there.
    os.P_WAIT, os.P_NOWAIT, os.P_NOWAITO = 0, 1, 1
    os.WNOHANG, os.WUNTRACED, os.WCONTINUED = 1, 2, 8
    os.PRIO_PROCESS, os.PRIO_PGRP, os.PRIO_USER = 0, 1, 2
