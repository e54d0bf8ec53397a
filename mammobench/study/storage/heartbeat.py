"""The signs of life that a worker gives while it runs a trial."""

import threading
from collections.abc import Callable
from typing import Self


class Heartbeat:
    """A thread that beats at once and then at an interval: a context, or a thing to `start` and `join`.

    Optuna starts its own in `Study.optimize` alone.

    Args:
        beat: Gives one sign of life; None where nobody looks for them.
        seconds: Between two.
    """

    def __init__(self, beat: Callable[[], object] | None, *, seconds: float = 1.0) -> None:
        self._seconds, self._over = seconds, threading.Event()
        self._thread = None if beat is None else threading.Thread(target=self._run, args=(beat,))

    def start(self) -> None:
        """Begin."""
        if self._thread is not None:
            self._thread.start()

    def join(self) -> None:
        """End, and wait until the last beat is over."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()

    def _run(self, beat: Callable[[], object]) -> None:
        beat()
        while not self._over.wait(self._seconds):
            beat()
