"""The live table of trials on standard error, with the best so far and the time left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mammobench.cli.trial_row import TrialRow, duration
from mammobench.core.signs import Pace, SignsOfLife
from mammobench.study.record import StudyRecord
from mammobench.training.process import TrialEnd
from mammobench.tuning.events import Event, TrialSeen, TrialStart

ROWS = 15
_FEWEST_ROWS = 3
_RUNNING_SHOWN = 4
_WORKER = 24
_STATES = {
    "running": "cyan", "finished": "green", "pruned": "yellow", "infeasible": "yellow", "failed": "red",
}  # fmt: skip


class TrialTable:
    """The live table of trials with the best so far and the time left.

    Where standard error is no terminal, it writes a line for each trial that ends, and one for each that runs
    when it has written nothing for long.

    Args:
        console: Where to write.
        trials: Searched trials that the study will have.
        workers: Trials at a time.
        pace: How long a log may be silent.
    """

    def __init__(self, console: Console, *, trials: int, workers: int, pace: Pace | None = None) -> None:
        self._console, self._trials, self._workers = console, trials, workers
        self._rows: dict[int, TrialRow] = {}
        self._live: Live | None = None
        self._pace = pace or Pace()
        self._signs = SignsOfLife(self._tell_of_running, self._pace)
        self._maximize, self._objective = True, ""
        self._counted: list[float] = []

    def observe(self, study: StudyRecord, event: Event) -> None:
        """Take note of an event of the search."""
        if not self._objective:
            self._begin(study)
        if isinstance(event, TrialStart | TrialSeen):
            self._rows[event.record.number] = TrialRow.of(event.record)
            return
        row = self._rows[event.number]
        row.take(event)
        if isinstance(event, TrialEnd):
            if event.result is not None:
                self._counted.append(row.seconds)
            if self._live is None:
                self._tell_of_end(row)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the table on a terminal, or signs of life in a log, while the block runs."""
        try:
            yield
        finally:
            self._signs.stop()
            if self._live:
                self._live.stop()

    def _begin(self, study: StudyRecord) -> None:
        self._objective = study.spec.objective
        self._maximize = study.spec.direction == "maximize"
        for record in study.trials:
            self._rows[record.number] = TrialRow.of(record)
        if self._console.is_terminal:
            # drawn anew twice a second, so that seconds go on between the events
            self._live = Live(get_renderable=self.render, console=self._console, refresh_per_second=2)
            self._live.start()
        elif not self._console.quiet:
            self._signs.start()

    def _running(self) -> list[TrialRow]:
        return [row for row in list(self._rows.values()) if row.state == "running" and row.worker is None]

    def _tell_of_end(self, row: TrialRow) -> None:
        told = row.reason or f"{self._objective} {row.objective:.3f}"
        self._pace.told()
        self._console.print(
            f"trial {row.number:>3} {row.state:<8} {told}  {row.seconds:.1f} s  {row.configuration()}",
            highlight=False,
            soft_wrap=True,
        )

    def _tell_of_running(self) -> None:
        for row in self._running():
            self._console.print(
                f"trial {row.number:>3} running  {row.progress()}, {duration(row.so_far)} so far",
                highlight=False,
                soft_wrap=True,
            )

    def _best(self) -> TrialRow | None:
        done = [
            row for row in list(self._rows.values()) if row.state == "finished" and row.role == "searched"
        ]
        sign = 1 if self._maximize else -1
        return max(done, key=lambda row: sign * (row.objective or 0.0), default=None)

    def render(self) -> RenderableType:
        """Lay the table out as wide and as high as the console: numbers first."""
        best = self._best()
        running = self._running()[:_RUNNING_SHOWN]
        below = [
            *(Text(f"trial {row.number}: {row.progress()}", style="cyan") for row in running),
            Text(self._summary(best)),
            *([Text(f"its configuration: {best.configuration()}")] if best else []),
        ]
        width = self._console.width
        used = sum(len(text.wrap(self._console, width)) for text in below)
        # a line for the cursor, two for the head
        most = max(_FEWEST_ROWS, min(ROWS, self._console.height - used - 3))
        return Group(self._table(list(self._rows.values())[-most:], best), *below)

    def _table(self, rows: list[TrialRow], best: TrialRow | None) -> Table:
        table = Table(box=None, padding=(0, 1), header_style="bold", expand=False)
        for head in ("trial", "state", "epoch", f"validation\n{self._objective}", "seconds"):
            table.add_column(head, justify="left" if head == "state" else "right", no_wrap=True)
        shared = any(row.worker for row in list(self._rows.values()))
        if shared:
            most = min(_WORKER, max(len("worker"), self._console.width // 6))
            table.add_column("worker", no_wrap=True, overflow="ellipsis", max_width=most)
        # it has what is left
        table.add_column("configuration")
        for row in rows:
            table.add_row(
                str(row.number),
                Text(row.state, style=_STATES[row.state]),
                f"{row.epoch}/{row.epochs}",
                "" if row.objective is None else f"{row.objective:.3f}",
                f"{row.so_far:.0f}",
                *([row.worker or "here"] if shared else []),
                # the column may shrink, its lines may not be broken
                Text(row.reason or row.configuration(), no_wrap=True, overflow="ellipsis"),
                style="bold" if best is row else "",
            )
        return table

    def _summary(self, best: TrialRow | None) -> str:
        searched = [row for row in list(self._rows.values()) if row.role == "searched"]
        done = sum(row.state != "running" for row in searched)
        parts = [f"{done} of {self._trials} trials"]
        if self._counted and done < self._trials:
            mean = sum(self._counted) / len(self._counted)
            running = sum(time.monotonic() - row.started for row in searched if row.state == "running")
            left = max(0.0, mean * (self._trials - done) - running) / self._workers
            parts.append(f"about {duration(left)} left")
        if best is not None:
            parts.append(f"best trial {best.number}, validation {self._objective} {best.objective:.3f}")
        return ", ".join(parts)
