"""Makes asyncio's event loop work without sockets and threads."""

import selectors
from asyncio import selector_events

# WASI refuses to wait for nothing at all; a run ends long before this many seconds.
FOREVER = 1_000_000


def _nothing(self):
    pass


async def _shutdown_default_executor(self, timeout=None):
    """An executor has no threads to wait for: none can be started."""
    self._executor_shutdown_called = True
    if self._default_executor is not None:
        self._default_executor.shutdown(wait=False)


def _select(self, timeout=None, _select=selectors.PollSelector.select):
    return _select(self, FOREVER if timeout is None else timeout)


def install():
    """The loop's pipe to itself wakes it from other threads and signals; there are none here."""
    loop = selector_events.BaseSelectorEventLoop
    loop._make_self_pipe = _nothing
    loop._close_self_pipe = _nothing
    loop._write_to_self = _nothing
    selectors.PollSelector.select = _select
    loop.shutdown_default_executor = _shutdown_default_executor
