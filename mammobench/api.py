"""What the commands do, as functions with the same words, for scripts and notebooks.

::

    study = mammobench.search(space="quick")
    study.leaderboard()
    study.report()
    study.reproduce()
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import pandas as pd

from mammobench.analysis.explain import Explained, explain_study
from mammobench.analysis.prediction import Prediction, model_of_study, predict_files
from mammobench.analysis.replication import FINALISTS, REPLICATES, replicate_study
from mammobench.analysis.reproduction import Reproduction, reproduce_trial
from mammobench.analysis.searching import print_event, search_and_report, work_on
from mammobench.analysis.stress import TOP, stress_study
from mammobench.benchmark.compare import compare
from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.recording import export_table as export_study
from mammobench.benchmark.recording import record_table as record
from mammobench.benchmark.tables.table import Table
from mammobench.core.invocation import call_of
from mammobench.core.metrics import zero_division_of
from mammobench.data.images.phantom import make_phantom
from mammobench.data.sources.registry import prepare
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.evaluation.replicates import Replicated
from mammobench.evaluation.stress import Stressed
from mammobench.report.html import write_report
from mammobench.report.write import open_study, report_on
from mammobench.space.yaml_file import load_space
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord

__all__ = [
    "Comparison",
    "Reproduction",
    "Study",
    "Table",
    "compare",
    "export_table",
    "load_space",
    "make_phantom",
    "prepare",
    "print_event",
    "record",
    "reproduce",
    "search",
    "work",
    "write_report",
]

_Arguments = ParamSpec("_Arguments")


@dataclass(frozen=True, repr=False)
class Study:
    """A search and its results; shows itself as its ranking in a notebook.

    Args:
        record: The opened study folder.
    """

    record: StudyRecord

    @classmethod
    def open(cls, name_or_path: str | Path) -> "Study":
        """Open a study by its name under ``reports/`` or by its path.

        Raises:
            StudyError: Where there is none, with the nearest name.
        """
        return cls(open_study(name_or_path))

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.record.folder

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial, by number; 0 is the reference CNN."""
        return self.record.trials

    @call_of("Study.ranking() in Python")
    def ranking(self, *, zero_division: str = "nan") -> Leaderboard:
        """Rank the finished trials: scores on test, each with its interval, and what was left out.

        Args:
            zero_division: ``nan``, ``0`` or ``1``: the precision of a class that is never predicted.
        """
        return build_leaderboard(self.record, zero_division=zero_division_of(zero_division))

    @call_of("Study.leaderboard() in Python")
    def leaderboard(self) -> pd.DataFrame:
        """Return the ranking as a table; see `mammobench.Leaderboard` for its columns."""
        return self.ranking().frame

    @call_of("Study.report() in Python")
    def report(
        self,
        out: Path | None = None,
        *,
        format: str | None = None,  # noqa: A002 - --format
        zero_division: str = "nan",
    ) -> Path:
        """Write the report and return its path: ``index.html`` and ``leaderboard.csv``, or another format.

        Its shortcut baseline is made here when the study's image store is at hand.

        Args:
            out: The file; None for the format's own name in the study's folder.
            format: ``html``, ``pdf``, ``markdown``, ``latex``, ``csv`` or ``parquet``; None for what the
                ending of `out` says, else HTML.
            zero_division: As for `ranking`.
        """
        return report_on([self.record], out=out, kind=format, zero_division=zero_division)

    @call_of("Study.reproduce() in Python")
    def reproduce(self, trial: int | None = None, *, data: str | Path | None = None) -> Reproduction:
        """Train the selected trial (or that of a number) again, compare, and export the model.

        Raises:
            ReproductionError: When it comes out differently.
        """
        return reproduce_trial(self.record, number=trial, data=None if data is None else Path(data))

    @call_of("Study.stress() in Python")
    def stress(
        self, trial: int | None = None, *, top: int = TOP, data: str | Path | None = None
    ) -> tuple[Stressed, ...]:
        """Train the leaders by validation (or one trial) again, and score them on test images changed.

        Raises:
            ReproductionError: When one comes out differently.
        """
        place = None if data is None else Path(data)
        return stress_study(self.record, top=top, number=trial, data=place)

    @call_of("Study.replicate() in Python")
    def replicate(
        self,
        trial: int | None = None,
        *,
        replicates: int = REPLICATES,
        top: int = FINALISTS,
        data: str | Path | None = None,
    ) -> tuple[Replicated, ...]:
        """Train the leaders by validation (or one trial) with other seeds; return the spread between them."""
        place = None if data is None else Path(data)
        return replicate_study(self.record, replicates=replicates, top=top, number=trial, data=place)

    @call_of("Study.explain() in Python")
    def explain(self, trial: int | None = None, *, data: str | Path | None = None) -> Explained:
        """Make heat maps of the test images on which the selected trial (or that of a number) is surest."""
        return explain_study(self.record, number=trial, data=None if data is None else Path(data))

    @call_of("Study.predict() in Python")
    def predict(
        self, images: Sequence[str | Path], *, trial: int | None = None, heat: bool = False
    ) -> tuple[Prediction, ...]:
        """Predict image files or folders of them with the selected trial's model (or that of a number)."""
        return predict_files(model_of_study(self.record, number=trial), list(map(Path, images)), heat=heat)

    def __repr__(self) -> str:
        finished = sum(record.state == "finished" for record in self.trials)
        return f"Study({str(self.folder)!r}, {finished} of {len(self.trials)} trials finished)"

    @call_of("Study._repr_html_() in Python")
    def _repr_html_(self) -> str:
        return self.ranking()._repr_html_()


def _opened(name: str, function: Callable[_Arguments, StudyRecord]) -> Callable[_Arguments, Study]:
    """Return a function of that name with the same arguments that gives the study as `Study`."""

    @wraps(function)
    @call_of(f"{name}() in Python")
    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Study:
        return Study(function(*args, **kwargs))

    call.__name__ = call.__qualname__ = name
    return call


search = _opened("search", search_and_report)
work = _opened("work", work_on)


def reproduce(study: str | Path, trial: int | None = None, *, data: str | Path | None = None) -> Reproduction:
    """Train a study's selected trial (or that of a number) again; see `Study.reproduce`."""
    return Study.open(study).reproduce(trial, data=data)


def export_table(
    study: str | Path, out: str | Path, *, description: str = "", progress: Callable[..., None] | None = None
) -> Table:
    """Write a study's whole curves as a table; see `mammobench.benchmark.recording.export_table`."""
    opened = open_study(study)
    return export_study(opened, out, description=description, progress=progress or (lambda *_: None))
