"""A trial's curves for TensorBoard: one event file for each process that trained it."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from mammobench.core.errors import ConfigError

_SUFFIX = "mammobench"


class EventLog:
    """Writes the numbers of each epoch as scalars, at the epoch's number as step.

    Where an earlier process of the trial has written already, the epochs that are still to come are taken
    back first (TensorBoard's own sign of a restart), so that none stands there twice; in an empty folder the
    epochs so far are written again, so that a trial that another one's training continues has a whole curve.

    Args:
        folder: For the event files.
        history: One row for each epoch trained so far, from epoch 1.

    Raises:
        ConfigError: Where TensorBoard is not installed.
    """

    def __init__(self, folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
        self._event, self._session, self._summary, self._records = _import_tensorboard()
        folder.mkdir(parents=True, exist_ok=True)
        earlier = sorted(folder.glob("events.out.tfevents.*"))
        # TensorBoard reads a folder's files in the order of their names
        name = f"events.out.tfevents.{time.time_ns() // 1000:017d}.{_SUFFIX}"
        self._path = folder / name
        self._write(file_version="brain.Event:2")
        if earlier:
            self._write(
                step=len(history) + 1, session_log=self._session(status=self._session.SessionStatus.START)
            )
        else:
            for row in history:
                self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one epoch.

        Args:
            row: Name to number; ``epoch`` is the step.

        Raises:
            OSError: When it cannot be written.
        """
        values = [
            self._summary.Value(tag=f"epoch/{name}", simple_value=float(value))
            for name, value in row.items()
            if name != "epoch"
        ]
        self._write(step=row["epoch"], summary=self._summary(value=values))

    def _write(self, **fields: object) -> None:
        # without TensorBoard's writing thread: an epoch is one small write, and a full disk shows at once
        with self._path.open("ab") as file:
            event = self._event(wall_time=time.time(), **fields)
            self._records.RecordWriter(file).write(event.SerializeToString())


def _import_tensorboard() -> tuple[Any, Any, Any, ModuleType]:
    # imported here: it takes a second, and most trials write no such log
    try:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer import record_writer
    except ImportError as error:
        raise ConfigError(
            "TensorBoard logs need a package that is not installed",
            expected="tensorboard",
            remedy="Install it with `pip install tensorboard`, or search without --tensorboard",
        ) from error
    return Event, SessionLog, Summary, record_writer
