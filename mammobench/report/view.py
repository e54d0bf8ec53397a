"""The page as plain values, which the template shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report.drawing import Drawing
from mammobench.report.material import Material
from mammobench.report.notices import Notice, notices_of
from mammobench.report.ranking import Ranking
from mammobench.report.section import Section
from mammobench.report.sections import SECTIONS
from mammobench.study.record import StudyRecord


@dataclass(frozen=True)
class View:
    """The whole page; `ranking` is what its script shows."""

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    ranking: Ranking
    sections: tuple[Section, ...]

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Every figure of the page."""
        return tuple(drawing for section in self.sections for drawing in section.drawings)


def build_view(studies: Sequence[StudyRecord], board: Leaderboard) -> View:
    """Gather what the page shows of one study, or of several ranked together.

    Args:
        studies: Of the same images, task and objective.
        board: Their leaderboard.
    """
    material = Material(dict(zip(board.studies, studies, strict=True)), board)
    sections = (section(material) for section in SECTIONS)
    tasks = dict.fromkeys(split.task for split in board.splits.values())
    sources = dict.fromkeys(str(study.spec.store.get("source", "unknown source")) for study in studies)
    return View(
        title=", ".join(board.studies),
        subtitle=f"{' and '.join(tasks)} · {' and '.join(sources)}",
        notices=notices_of(studies, board),
        ranking=material.ranking,
        sections=tuple(section for section in sections if not section.empty),
    )
