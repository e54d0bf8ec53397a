"""The live table of trials on standard error, with the best so far and the time left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mammobench.core.aliases import FieldValue
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.process import EpochEnd, TrialEnd
from mammobench.tuning.events import Event, TrialSeen, TrialStart

ROWS = 15
_STATES = {
    "running": "cyan", "finished": "green", "pruned": "yellow", "infeasible": "yellow", "failed": "red",
}  # fmt: skip


@dataclass
class _Row:
    number: int
    values: dict[str, Any]
    epochs: int
    role: str
    epoch: int = 0
    objective: float | None = None
    state: str = "running"
    seconds: float = 0.0
    reason: str | None = None
    worker: str | None = None
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, record: TrialRecord) -> "_Row":
        return cls(
            record.number,
            dict(record.hyperparameters),
            record.config.training.max_epochs,
            record.role,
            epoch=record.epochs,
            objective=record.curve[-1] if record.objective is None and record.curve else record.objective,
            state=record.state,
            seconds=sum(record.seconds.values()),
            reason=record.reason,
            worker=record.worker,
        )


class TrialTable:
    """The live table of trials with the best so far and the time left.

    Where standard error is no terminal, it writes a line for each trial that ends.

    Args:
        console: Where to write.
        trials: Searched trials that the study will have.
        workers: Trials at a time.
    """

    def __init__(self, console: Console, *, trials: int, workers: int) -> None:
        self._console, self._trials, self._workers = console, trials, workers
        self._rows: dict[int, _Row] = {}
        self._live: Live | None = None
        self._maximize, self._objective = True, ""
        self._counted: list[float] = []

    def observe(self, study: StudyRecord, event: Event) -> None:
        """Take note of an event of the search."""
        if not self._objective:
            self._begin(study)
        if isinstance(event, TrialStart | TrialSeen):
            self._rows[event.record.number] = _Row.of(event.record)
        elif isinstance(event, EpochEnd):
            row = self._rows[event.number]
            row.epoch, row.objective = event.epoch, event.objective
        else:
            self._end(event)
        if self._live:
            self._live.update(self._render())

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the table on a terminal while the block runs."""
        try:
            yield
        finally:
            if self._live:
                self._live.update(self._render(), refresh=True)
                self._live.stop()

    def _begin(self, study: StudyRecord) -> None:
        self._objective = study.spec.objective
        self._maximize = study.spec.direction == "maximize"
        for record in study.trials:
            self._rows[record.number] = _Row.of(record)
        if self._console.is_terminal:
            self._live = Live(self._render(), console=self._console, refresh_per_second=4)
            self._live.start()

    def _end(self, event: TrialEnd) -> None:
        row = self._rows[event.number]
        row.seconds = event.total_seconds
        row.state, row.reason = _ending(event)
        if event.result is not None:
            row.objective = event.result.objective
            self._counted.append(row.seconds)
        if self._live is None:
            told = f"{self._objective} {row.objective:.3f}" if event.result else str(row.reason)
            self._console.print(
                f"trial {row.number:>3} {row.state:<8} {told}  {row.seconds:.1f} s  {_values(row)}",
                highlight=False,
                soft_wrap=True,
            )

    def _best(self) -> _Row | None:
        done = [row for row in self._rows.values() if row.state == "finished" and row.role == "searched"]
        sign = 1 if self._maximize else -1
        return max(done, key=lambda row: sign * (row.objective or 0.0), default=None)

    def _render(self) -> RenderableType:
        table = Table(box=None, padding=(0, 1), header_style="bold", expand=False)
        table.add_column("trial", justify="right")
        table.add_column("state")
        table.add_column("epoch", justify="right")
        table.add_column(f"validation {self._objective}", justify="right")
        table.add_column("seconds", justify="right")
        shared = any(row.worker for row in self._rows.values())
        if shared:
            table.add_column("worker")
        table.add_column("configuration", overflow="ellipsis", no_wrap=True)
        best = self._best()
        for row in list(self._rows.values())[-ROWS:]:
            seconds = time.monotonic() - row.started if row.state == "running" else row.seconds
            table.add_row(
                str(row.number),
                Text(row.state, style=_STATES[row.state]),
                f"{row.epoch}/{row.epochs}",
                "" if row.objective is None else f"{row.objective:.3f}",
                f"{seconds:.0f}",
                *([row.worker or "here"] if shared else []),
                Text(row.reason or _values(row)),
                style="bold" if best is row else "",
            )
        return Group(table, Text(self._summary(best)))

    def _summary(self, best: _Row | None) -> str:
        searched = [row for row in self._rows.values() if row.role == "searched"]
        done = sum(row.state != "running" for row in searched)
        parts = [f"{done} of {self._trials} trials"]
        if best is not None:
            parts.append(f"best trial {best.number}, validation {self._objective} {best.objective:.3f}")
        if self._counted and done < self._trials:
            mean = sum(self._counted) / len(self._counted)
            running = sum(time.monotonic() - row.started for row in searched if row.state == "running")
            left = max(0.0, mean * (self._trials - done) - running) / self._workers
            parts.append(f"about {_duration(left)} left")
        return ", ".join(parts)


def _ending(event: TrialEnd) -> tuple[str, str | None]:
    if event.result is not None:
        return ("pruned" if event.result.stopped else "finished"), None
    return ("infeasible", "over a limit, not trained") if event.infeasible else ("failed", event.reason)


def _values(row: _Row) -> str:
    if row.role == "reference":
        return "the reference CNN"
    return " ".join(f"{key.split('.')[1]}={_short(value)}" for key, value in row.values.items())


def _short(value: FieldValue) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    )
