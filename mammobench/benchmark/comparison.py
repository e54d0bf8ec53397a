"""`Comparison`: what a comparison of search methods came to, as data frames, figures and a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mammobench.benchmark import filenames
from mammobench.benchmark.page.facts import ranking
from mammobench.benchmark.page.figures import drawings_of
from mammobench.benchmark.page.latex import ranking_in_latex
from mammobench.benchmark.page.view import build_page, write_page
from mammobench.benchmark.replay.trace import Trace
from mammobench.benchmark.replay.validity import told_of_answers
from mammobench.benchmark.statistics.assessment import Assessment
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import ConfigError
from mammobench.core.files import write_text
from mammobench.report.drawing import Drawing, save_drawings
from mammobench.space.config import nearest
from mammobench.study.filenames import FIGURES, PAGE

FRAMES = ("overall", "scores", "pairs", "ranks", "tables", "searches", "curves", "correlation", "null_check")


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """A comparison of search methods; shows itself as its ranking in a notebook.

    Attributes:
        folder: Where its searches, its page and its tables lie.
        assessment: What it came to, one data frame a kind of fact.
        asked: What each table is and how it was searched, by its name.
        observed: What a search may know of each table.
        traces: Every search.
    """

    folder: Path
    assessment: Assessment
    asked: Mapping[str, Mapping[str, Any]]
    observed: Mapping[str, Observed]
    traces: tuple[Trace, ...]

    @property
    def lead(self) -> str:
        """Who wins and whether it is real, in a sentence or two."""
        return self.assessment.lead

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / PAGE

    @property
    def recommended(self) -> str | None:
        """The method that is better than the simple ones at equal cost; None where there is none."""
        return self.assessment.recommended

    def ranking(self) -> pd.DataFrame:
        """Return the methods, best first, as the page shows them."""
        shown = ranking(self.assessment)
        return pd.DataFrame(shown.rows, columns=shown.heads)

    def frame(self, name: str) -> pd.DataFrame:
        """Return a data frame of the assessment.

        Raises:
            ConfigError: For a name that there is not.
        """
        if name not in FRAMES:
            raise ConfigError(f"no frame {name!r}{nearest(name, list(FRAMES))}", expected=", ".join(FRAMES))
        frame: pd.DataFrame = getattr(self.assessment, name)
        return frame

    def figures(self) -> tuple[Drawing, ...]:
        """Return the figures, each with its name."""
        return drawings_of(self.assessment)

    def figure(self, name: str) -> Figure:
        """Return a matplotlib figure by its name, such as ``regret``.

        Raises:
            ConfigError: For a name that there is not.
        """
        drawn = {drawing.name: drawing.figure for drawing in self.figures()}
        if name not in drawn:
            raise ConfigError(f"no figure {name!r}{nearest(name, list(drawn))}", expected=", ".join(drawn))
        return drawn[name]

    def report(self, out: str | Path | None = None, *, figures: bool = True) -> Path:
        """Write the page, the tables as CSV, the ranking for LaTeX, and the figures as PDF and PNG.

        Args:
            out: The page; that in the comparison's folder unless given.
            figures: Whether to write the figures beside it.

        Returns:
            The path of the page.
        """
        path = Path(out) if out is not None else self.page
        page = build_page(
            self.assessment,
            self.asked,
            self._example(),
            {name: told_of_answers(each, self.observed[name]) for name, each in self.asked.items()},
        )
        for name in FRAMES:
            write_text(path.with_name(f"{name}.csv"), self.frame(name).to_csv(index=False))
        write_text(path.with_name(filenames.RANKING), ranking_in_latex(ranking(self.assessment)))
        if figures:
            save_drawings(self.figures(), path.with_name(FIGURES))
        return write_page(page, path)

    def to_dict(self) -> dict[str, Any]:
        """Return what came of it; JSON-compatible, without the curves and the single searches."""
        found = self.assessment
        frames = {
            name: found_frame.astype(object).where(found_frame.notna(), None).to_dict("records")
            for name, found_frame in ((name, self.frame(name)) for name in FRAMES)
            if name not in {"curves", "searches"}
        }
        return {
            "folder": str(self.folder),
            "page": str(self.page),
            "lead": found.lead,
            "recommended": found.recommended,
            "baseline": found.baseline,
            "synthetic": any(each.get("synthetic") for each in self.asked.values()),
            "no_diagram": found.no_diagram,
            **frames,
        }

    def __repr__(self) -> str:
        """Return the lead."""
        return f"Comparison in {self.folder}: {self.lead}"

    def _repr_html_(self) -> str:
        # shown in a notebook
        shown: str = self.ranking().to_html(index=False)
        return f"<p>{self.lead}</p>{shown}"

    def _example(self) -> Trace | None:
        """Return the first search of the best method, whose workers the page shows."""
        best = self.assessment.methods[0]
        return next((trace for trace in self.traces if trace.method == best), None)
