"""Machines that search one study together: the command line, each in a working folder of its own."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
import psutil

from mammobench.study.record import StudyRecord
from mammobench.training.filenames import CHECKPOINT
from tests.integration.command_line import COMMAND
from tests.integration.watching import require_same_predictions
from tests.postgres import PASSWORD, PostgresServer

STUDY = "shared"
EPOCHS = 8
# what these samplers propose does not depend on which trial ends first, and batches of 1 make epochs longer
# than it takes to push a checkpoint
SPACE = f"""\
name: {STUDY}
task: malignancy
image_size: 64
base: {{training.batch_size: 2, training.patience: 0}}
search:
  model.filters: {{choice: [[16], [16, 32]]}}
  model.dropout: {{float: [0.0, 0.5], step: 0.1}}
  optimizer.learning_rate: {{choice: [1.0e-3, 3.0e-3]}}
budget: {{trials: 6, max_epochs: {EPOCHS}}}
"""
AWAY = "the database server is away"
_PATIENCE = 600
_PUSHED_WITHIN = 30
Found = TypeVar("Found")


@dataclass(frozen=True)
class Machine:
    """One that shares nothing with the others but what its commands name.

    Attributes:
        folder: Its working folder.
        store: The images.
        environment: Variables of its own.
        prefix: Words before every command.
    """

    folder: Path
    store: Path
    environment: Mapping[str, str]
    prefix: tuple[str, ...] = ()

    @property
    def study(self) -> Path:
        """Its folder of the study."""
        return self.folder / "reports" / STUDY

    @property
    def printed(self) -> str:
        """What its commands have printed."""
        return "".join(path.read_text("utf-8") for path in sorted(self.folder.glob("printed-*")))

    @property
    def has_trained(self) -> bool:
        """Whether it has trained an epoch."""
        return any(self.study.glob("trials/*/history.csv"))

    @contextmanager
    def running(self, command: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run ``mammobench COMMAND`` on the study for the time of a block."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "space.yaml").write_text(SPACE)
        asked = ["--space", "space.yaml"] if command == "search" else [STUDY]
        line = [*self.prefix, sys.executable, "-c", COMMAND, command, *asked]
        line += ["--data", str(self.store), *words]
        with (self.folder / f"printed-{len(list(self.folder.glob('printed-*')))}").open("w") as printed:
            process = subprocess.Popen(
                line, cwd=self.folder, env={**os.environ, "COLUMNS": "200", **self.environment},
                stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)

    def trial_under_way(self) -> Path | None:
        """Return the folder of a trial that has trained a few epochs here and has a few to go."""
        for history in self.study.glob("trials/*/history.csv"):
            ended = (history.parent / "predictions.npz").exists()
            if not ended and 2 <= len(pd.read_csv(history)) <= EPOCHS - 3:
                return history.parent
        return None

    def is_pushed(self, trial: Path) -> bool:
        """Whether a trial is still recorded as running, and its last checkpoint here with it."""
        study = StudyRecord.open(self.study)
        record = study.trial(int(trial.name))
        with contextlib.suppress(FileNotFoundError):
            here = hashlib.sha256((trial / CHECKPOINT).read_bytes()).hexdigest()
            named = study.storage.get_trial(record.storage_id).system_attrs.get("mammobench:checkpoint", {})
            return record.state == "running" and named.get("sha256") == here
        return False


class Watch:
    """Waits for what is to come about, and keeps every command line that it has seen meanwhile.

    Attributes:
        seen: The command lines of all processes of this machine.
    """

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._next_look = 0.0

    def until(
        self, answer: Callable[[], Found | None], *alive: tuple[Machine, subprocess.Popen[bytes]]
    ) -> Found:
        """Return an answer when there is one that is true, while processes run."""
        deadline = time.monotonic() + _PATIENCE
        while not (found := answer()):
            for machine, process in alive:
                assert process.poll() is None, machine.printed
            assert time.monotonic() < deadline, [machine.printed for machine, _ in alive]
            if time.monotonic() > self._next_look:
                self._look()
            time.sleep(0.05)
        return found

    def _look(self) -> None:
        for process in psutil.process_iter(["cmdline"]):
            self.seen.add(" ".join(process.info["cmdline"] or ()))
        self._next_look = time.monotonic() + 1

    def end(self, machine: Machine, process: subprocess.Popen[bytes]) -> None:
        """Wait until a command has ended well."""
        self.until(lambda: process.poll() is not None)
        assert process.returncode == 0, machine.printed
        assert "Traceback" not in machine.printed


@dataclass(frozen=True)
class Loss:
    """A trial whose machine was killed.

    Attributes:
        trial: Its folder there.
        history: Its epochs when the machine had died.
    """

    trial: Path
    history: pd.DataFrame


def search_through_losses(
    server: PostgresServer, first: Machine, second: Machine, *asked: str, victim: Machine, watch: Watch
) -> Loss:
    """Search with two machines, through a restart of the server and the death of one machine for good.

    Args:
        server: Where the record is.
        first: Searches, and writes the report where it lives to do so.
        second: Is a worker.
        asked: Options of the search.
        victim: One of the two.
        watch: Sees the command lines.
    """
    # makes the study, starts no trial: so that neither machine is far ahead of the other
    with first.running("search", *asked, "--heartbeat", "1", "--timeout", "0.001") as making:
        watch.end(first, making)
    with (
        second.running("worker") as working,
        first.running("search", *asked, "--heartbeat", "1") as searching,
    ):
        both = ((first, searching), (second, working))
        watch.until(lambda: all(machine.has_trained for machine in (first, second)), *both)
        server.stop()
        watch.until(lambda: all(AWAY in machine.printed for machine in (first, second)), *both)
        server.start()
        (dying,) = [process for machine, process in both if machine is victim]
        # so that it leaves a finished trial behind as well
        watch.until(lambda: any(victim.study.glob("trials/*/predictions.npz")), *both)
        trial = watch.until(lambda: _held_still(victim, dying), *both)
        children = psutil.Process(dying.pid).children(recursive=True)
        dying.kill()
        for child in children:
            child.kill()
        dying.wait(60)
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
        loss = Loss(trial, pd.read_csv(trial / "history.csv"))
        ((survivor, left),) = [(machine, process) for machine, process in both if machine is not victim]
        watch.end(survivor, left)
    return loss


def _held_still(machine: Machine, running: subprocess.Popen[bytes]) -> Path | None:
    """Suspend a trial in its middle and return its folder; epochs may be over in no time.

    The machine itself goes on and pushes the trial's last checkpoint, which it does once a second: a search
    of short trials may well be over before a look at it finds one pushed by chance.
    """
    if machine.trial_under_way() is None:
        return None
    processes = psutil.Process(running.pid).children(recursive=True)
    for process in processes:
        process.suspend()
    trial, deadline = machine.trial_under_way(), time.monotonic() + _PUSHED_WITHIN
    while trial is not None and time.monotonic() < deadline:
        if machine.is_pushed(trial):
            return trial
        time.sleep(0.05)
    for process in processes:
        process.resume()
    return None


def require_continued(loss: Loss, study: StudyRecord) -> None:
    """See from the seconds that epochs took, which no two trainings share, where the trial was taken up."""
    final = pd.read_csv(study.folder / "trials" / loss.trial.name / "history.csv")
    assert len(final) == EPOCHS
    before, after = loss.history["train_seconds"], final["train_seconds"][: len(loss.history)]
    kept = int((before == after).cumprod().sum())
    # at most one epoch that had ended is trained again
    assert 1 <= len(loss.history) - 1 <= kept


def require_equal(found: StudyRecord, expected: StudyRecord, *, folders: Iterable[Path]) -> None:
    """Compare two studies to the bit, and see that no trial is lost, doubled or left running.

    Args:
        found: Searched by many machines.
        expected: Searched by one.
        folders: The study's folders on the machines that have written a report, with all files in each.
    """
    compared = "number", "state", "hyperparameters", "config", "seed", "curve", "objectives", "threshold"
    told = [[{name: getattr(trial, name) for name in compared} for trial in study.trials]
            for study in (found, expected)]  # fmt: skip
    assert told[0] == told[1]
    assert {trial.state for trial in found.trials} == {"finished"}
    threads = {trial.environment["threads"] for study in (found, expected) for trial in study.trials}
    assert len(threads) == 1
    for folder in folders:
        assert (folder / "index.html").is_file()
        for trial in expected.trials:
            require_same_predictions(folder / "trials" / trial.folder.name, trial.folder)


def require_secret(server: PostgresServer, url: str, watch: Watch, *folders: Path) -> None:
    """Look for the database's password in command lines, in all files, and in the record itself."""
    secrets = (PASSWORD, url.split("@", maxsplit=1)[0].rsplit(":", maxsplit=1)[-1])
    assert "%" in secrets[1]
    dump = "SELECT database_to_xml(true, false, '')"
    record = server.psql(dump, database=url.rsplit("/", maxsplit=1)[-1])
    assert STUDY in record
    assert any("worker" in line for line in watch.seen)
    for secret in secrets:
        assert secret not in record
        shown = [line for line in watch.seen if secret in line]
        assert not shown, shown
        for folder in folders:
            files = [path for path in folder.rglob("*") if path.is_file()]
            assert files
            assert not [path for path in files if secret.encode() in path.read_bytes()]
