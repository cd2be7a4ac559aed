"""Changes to asyncio's event loop, which works without sockets and threads here."""

import selectors
import socket
import time
from asyncio import base_events, selector_events, unix_events

# WASI refuses to wait for nothing at all; a run ends long before this many seconds.
FOREVER = 1_000_000


def _nothing(self):
    pass


async def _shutdown_default_executor(self, timeout=None):
    """An executor has no threads to wait for: none can be started."""
    self._executor_shutdown_called = True
    if self._default_executor is not None:
        self._default_executor.shutdown(wait=False)


def _select(self, timeout=None, _select=selectors.PollSelector.select, _sleep=time.sleep):
    if timeout is None:
        timeout = FOREVER
    if self._fd_to_key:
        return _select(self, timeout)
    # A busy loop does not wait, and a call of the host takes longer than an iteration.
    if timeout > 0:
        _sleep(timeout)
    return []


async def _getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
    """Works without a thread: nothing that can be looked up here takes time."""
    return socket.getaddrinfo(host, port, family, type, proto, flags)


async def _getnameinfo(self, sockaddr, flags=0):
    return socket.getnameinfo(sockaddr, flags)


def _add_signal_handler(self, sig, callback, *args):
    raise NotImplementedError("the sandbox has no signals that interrupt an event loop")


def install():
    """The loop's pipe to itself wakes it from other threads and signals; there are none here."""
    loop = selector_events.BaseSelectorEventLoop
    loop._make_self_pipe = _nothing
    loop._close_self_pipe = _nothing
    loop._write_to_self = _nothing
    selectors.PollSelector.select = _select
    loop.shutdown_default_executor = _shutdown_default_executor
    base_events.BaseEventLoop.getaddrinfo = _getaddrinfo
    base_events.BaseEventLoop.getnameinfo = _getnameinfo
    loop.add_signal_handler = unix_events._UnixSelectorEventLoop.add_signal_handler = _add_signal_handler
