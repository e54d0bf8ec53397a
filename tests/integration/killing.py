"""A search whose main process is killed again and again, at moments that a seed names."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import numpy as np

from tests.integration.command_line import CommandLine
from tests.integration.watching import family, require_gone

AIMS = ("making", "any", "trials", "trials", "report")
"""What the kills of one study are aimed at: its making, any moment, its training, its report."""
_PATIENCE = 900


@dataclass
class Course:
    """When an undisturbed search came how far, in seconds from its start.

    Attributes:
        folder: Its folder was there.
        made: Its study.json was there.
        trained: Its last trial had ended.
        ended: The command had ended.
    """

    folder: float = 0.0
    made: float = 0.0
    trained: float = 0.0
    ended: float = 0.0


@dataclass
class Killer:
    """Starts one search after another and kills each once.

    Attributes:
        command_line: Where the searches run.
        words: The search, all but the name of its study.
        trials: How many trials, the reference CNN among them, a study has in the end.
        moments: Where the moments come from; its seed repeats them.
        course: Of the undisturbed search.
        told: What each kill met, for people.
    """

    command_line: CommandLine
    words: list[str]
    trials: int
    moments: np.random.Generator
    course: Course = field(default_factory=Course)
    told: list[str] = field(default_factory=list)

    def undisturbed(self, name: str) -> Path:
        """Search without a kill, take the time, and return the study's folder."""
        study, started, course = self._study(name), time.monotonic(), Course()
        with self._started(name) as process:
            for moment, there in (
                ("folder", study.exists),
                ("made", (study / "study.json").exists),
                ("trained", lambda: self._ended(study) == self.trials),
            ):
                while not there() and process.poll() is None:
                    time.sleep(0.002)
                setattr(course, moment, time.monotonic() - started)
            self._require_success(process, started)
            course.ended = time.monotonic() - started
        self.course = course
        return study

    def kill(self, name: str, aim: str) -> bool:
        """Start a search, kill its main process and see its family die; False when it had ended by itself."""
        study, started = self._study(name), time.monotonic()
        with self._started(name) as process:
            moment = self._moment(study, aim, process)
            while time.monotonic() < moment and process.poll() is None:
                time.sleep(0.002)
            if process.poll() is not None:
                self._require_success(process, started)
                return False
            orphans = family(process)
            process.kill()
            process.communicate(timeout=60)
        after = time.monotonic() - started
        self.told.append(f"{name}, aimed at {aim}: killed after {after:.2f} s, {self._stage(study)}")
        require_gone(orphans)
        before = _files(study)
        time.sleep(0.3)
        assert _files(study) == before, "somebody writes to the study although its search is dead"
        return True

    def finish(self, name: str) -> Path:
        """Run the search to its end and return the study's folder."""
        started = time.monotonic()
        with self._started(name) as process:
            self._require_success(process, started)
        return self._study(name)

    def _moment(self, study: Path, aim: str, process: Popen[str]) -> float:
        course, started = self.course, time.monotonic()
        draw = self.moments.random()
        if aim == "any":
            return started + draw * course.ended
        if aim == "making":
            seen, length = study.exists, 1.5 * (course.made - course.folder)
        elif aim == "trials":
            begun, left = time.time(), 1 - self._ended(study) / self.trials
            seen, length = lambda: _has_trained(study, begun), left * (course.trained - course.made)
        else:
            seen, length = lambda: self._ended(study) == self.trials, course.ended - course.trained
        while not seen() and process.poll() is None:
            time.sleep(0.002)
        return time.monotonic() + draw * length

    def _study(self, name: str) -> Path:
        return self.command_line.folder / "reports" / name

    @contextmanager
    def _started(self, name: str) -> Iterator[Popen[str]]:
        with self.command_line.start(*self.words, "--study", name) as process:
            try:
                yield process
            finally:
                process.kill()

    def _ended(self, study: Path) -> int:
        return len(list(study.glob("trials/*/predictions.npz")))

    def _stage(self, study: Path) -> str:
        if not study.exists():
            return "no folder"
        if not (study / "study.json").exists():
            return "no study.json"
        page = "a page" if (study / "index.html").exists() else "no page"
        return f"{self._ended(study)} of {self.trials} trials, {page}"

    def _require_success(self, process: Popen[str], started: float) -> None:
        _, err = process.communicate(timeout=max(1.0, started + _PATIENCE - time.monotonic()))
        assert process.returncode == 0, err
        assert "Traceback" not in err


def _has_trained(study: Path, since: float) -> bool:
    return any(path.stat().st_mtime > since for path in study.glob("trials/*/config.json"))


def _files(study: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of change of all files of a study."""
    found = ((path, path.stat()) for path in study.rglob("*") if path.is_file())
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in found}
