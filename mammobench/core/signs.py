"""Signs of life in a log: a line now and then, so that nobody takes a long computation for a dead one."""

import threading
import time
from collections.abc import Callable

_OFTEN, _OFTEN_UNTIL, _SELDOM = 60.0, 600.0, 300.0


class Pace:
    """When a log that has been silent is due a line: after a minute, later on after five.

    Args:
        often: Seconds of silence that call for a line at first.
        until: Seconds after which they no longer do.
        seldom: Seconds of silence that call for one from then on.
    """

    def __init__(
        self, *, often: float = _OFTEN, until: float = _OFTEN_UNTIL, seldom: float = _SELDOM
    ) -> None:
        self._often, self._until, self._seldom = often, until, seldom
        self._began = self._last = time.monotonic()

    def told(self) -> None:
        """Take note that something has been written."""
        self._last = time.monotonic()

    def due(self) -> bool:
        """Return whether it is time for a line, which counts as written then."""
        now = time.monotonic()
        pause = self._often if now - self._began < self._until else self._seldom
        if now - self._last < pause:
            return False
        self._last = now
        return True


class SignsOfLife:
    """Calls a function whenever a log is due a line, in a thread, while a block runs.

    Args:
        tell: Writes the line.
        pace: When.
    """

    def __init__(self, tell: Callable[[], None], pace: Pace) -> None:
        self._tell, self._pace = tell, pace
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mammobench-signs-of-life", daemon=True)

    def start(self) -> None:
        """Begin, once."""
        self._thread.start()

    def stop(self) -> None:
        """End; the thread is gone then."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            if self._pace.due():
                self._tell()
