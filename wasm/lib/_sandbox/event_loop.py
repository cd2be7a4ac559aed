"""Makes asyncio's event loop work without sockets."""

from asyncio import selector_events


def _nothing(self):
    pass


def install():
    """The loop's pipe to itself wakes it from other threads and signals; there are none here."""
    loop = selector_events.BaseSelectorEventLoop
    loop._make_self_pipe = _nothing
    loop._close_self_pipe = _nothing
    loop._write_to_self = _nothing
