"""The page as plain values, which the template shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mammobench.evaluation.importance import hyperparameter_importances
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report import course, facts
from mammobench.report.answer import Answer, build_answer
from mammobench.report.checklists import checklist_tables
from mammobench.report.curves import leading_curves
from mammobench.report.drawing import Drawing
from mammobench.report.explanations import Explanations, selected_explanations
from mammobench.report.leaders import leaders, slices
from mammobench.report.notices import Notice, notices_of
from mammobench.report.ranking import Ranking, build_ranking
from mammobench.report.section import Section
from mammobench.report.stress import stress_tables
from mammobench.study.record import StudyRecord


@dataclass(frozen=True)
class View:
    """The whole page."""

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    answer: Answer
    ranking: Ranking
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    explanations: Explanations | None
    checklists: tuple[facts.Table, ...]
    commands: tuple[tuple[str, str], ...]
    citations: tuple[str, ...]

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
    named = dict(zip(board.studies, studies, strict=True))
    importances = {name: hyperparameter_importances(study) for name, study in named.items()}
    leading = tuple(dict.fromkeys(key for found in importances.values() for key in found.shares))
    stores = [study.spec.store for study in studies]
    curves = leading_curves(board, named)
    objective = studies[0].spec.objective
    sections = (
        course.mattered(named, importances),
        course.went(named, board),
        leaders(board, curves, objective),
        slices(board, curves),
        Section("stress", "Stress tests", tables=stress_tables(board)),
        _data(studies, board),
        _run(named),
    )
    tasks = " and ".join(dict.fromkeys(split.task for split in board.splits.values()))
    sources = " and ".join(dict.fromkeys(str(store.get("source", "unknown source")) for store in stores))
    return View(
        title=", ".join(board.studies),
        subtitle=f"{tasks} · {sources}",
        notices=notices_of(studies, board),
        answer=build_answer(board),
        ranking=build_ranking(board, studies, leading),
        notes=facts.method_notes(board, tried=int((board.frame["role"] == "searched").sum())),
        sections=tuple(section for section in sections if not section.empty),
        explanations=selected_explanations(studies, board),
        checklists=checklist_tables(studies, board),
        commands=tuple(dict.fromkeys(item for study in studies for item in facts.commands(study))),
        citations=tuple(dict.fromkeys(str(item) for store in stores for item in store.get("citations", ()))),
    )


def _data(studies: Sequence[StudyRecord], board: Leaderboard) -> Section:
    spec = studies[0].spec
    tables = [facts.data_table(spec.store, spec.fingerprint)]
    tables += [facts.split_table(split) for split in board.splits.values()]
    return Section("data", "Data", tables=tuple(tables))


def _run(studies: Mapping[str, StudyRecord]) -> Section:
    tables: list[facts.Table] = []
    for name, study in studies.items():
        of = f" of {name}" if len(studies) > 1 else ""
        tables += [facts.study_table(study, study.trials, of), facts.space_table(study, of)]
    trials = [trial for study in studies.values() for trial in study.trials]
    tables.append(facts.environment_table(trials))
    return Section("run", "Set-up", tables=tuple(tables), paired=True)
