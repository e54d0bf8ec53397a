"""Waiting for a database server that is away: stopped, restarted, or cut off for a while."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_chain,
    wait_none,
    wait_random_exponential,
)

from mammobench.core.errors import StudyError

Answer = TypeVar("Answer")


class ServerAwayError(StudyError):
    """The database server does not answer now; it may in a minute."""


class Patience:
    """Repeats a call while the server is away, and tells of it once when it goes and once when it is back.

    Threads share one: whichever notices first tells.

    Args:
        place: The server's name in what is told, ``host:port``.
        tell: Gets the two lines.
        seconds: How long to wait before giving up.
    """

    def __init__(self, place: str, tell: Callable[[str], None], *, seconds: float) -> None:
        self._place, self._tell, self._seconds = place, tell, seconds
        self._lock = threading.Lock()
        self._gone_since: float | None = None
        self._noticed = float("-inf")

    @property
    def quiet_seconds(self) -> float:
        """Seconds since a call last found the server away."""
        return time.monotonic() - self._noticed

    def notice(self) -> None:
        """Remember that the server was away just now."""
        self._noticed = time.monotonic()

    def wait(self, call: Callable[[int], Answer]) -> Answer:
        """Return what `call` answers, repeated while it raises `ServerAwayError`.

        Args:
            call: Gets the number of tries before, any of which may have taken effect although its answer
                was lost.

        Raises:
            StudyError: When the server stays away for longer than the patience lasts.
        """
        tries = itertools.count()
        retrying = Retrying(
            retry=retry_if_exception_type(ServerAwayError),
            # a single broken connection is worth no line: the first repetition comes at once
            wait=wait_chain(wait_none(), wait_random_exponential(multiplier=0.1, max=5)),
            stop=stop_after_delay(self._seconds),
            before_sleep=self._tell_gone,
            reraise=True,
        )
        try:
            answer = retrying(lambda: call(next(tries)))
        except ServerAwayError as error:
            raise StudyError(
                f"the database server stayed away for {_spoken(self._seconds)}",
                where=self._place,
                found=error.found,
                remedy="Start it and run the same command again: every trial goes on from its checkpoint",
            ) from None
        self._tell_back()
        return answer

    def _tell_gone(self, state: RetryCallState) -> None:
        if state.attempt_number == 1:
            return
        with self._lock:
            if self._gone_since is not None:
                return
            self._gone_since = time.monotonic() - (state.seconds_since_start or 0.0)
        self._tell(
            f"{self._place}: the database server is away; waiting up to {_spoken(self._seconds)} for it"
        )

    def _tell_back(self) -> None:
        with self._lock:
            since, self._gone_since = self._gone_since, None
        if since is not None:
            self._tell(f"{self._place}: the database server is back after {time.monotonic() - since:.0f} s")


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"  # noqa: PLR2004
