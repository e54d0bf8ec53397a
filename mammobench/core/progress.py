"""Progress bars on standard error for whatever takes more than a moment."""

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mammobench.core.signs import Pace, SignsOfLife


class Bars:
    """One bar for each thing that is done; in a log, a line now and then where one takes long."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._console = console
        self._pace = Pace()
        self._signs = SignsOfLife(self._tell, self._pace)
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}

    def __enter__(self) -> Self:
        if not (self._console.is_terminal or self._console.quiet):
            self._signs.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signs.stop()
        self._progress.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how much of a thing is done; a finished one leaves a line with its seconds.

        A total of 0 is a remark, and a line without seconds.
        """
        if total == 0:
            self._console.print(f"{what}.", highlight=False, soft_wrap=True)
            return
        if what not in self._tasks:
            self._progress.start()
            self._tasks[what] = self._progress.add_task(what, total=total)
            self._started[what] = time.monotonic()
        self._progress.update(self._tasks[what], completed=done, total=total)
        if done >= total:
            self._progress.remove_task(self._tasks.pop(what))
            if not self._tasks:
                self._progress.stop()
            seconds = time.monotonic() - self._started.pop(what)
            self._pace.told()
            self._console.print(f"{what}: done in {seconds:.0f} s", highlight=False)

    def _tell(self) -> None:
        """Write in a log where the tasks stand that take long."""
        for what, task in list(self._tasks.items()):
            seconds = time.monotonic() - self._started[what]
            done = next(each for each in self._progress.tasks if each.id == task)
            self._console.print(
                f"{what}: {done.completed:.0f} of {done.total:.0f} after {seconds:.0f} s", highlight=False
            )
