"""Everything the report's template shows, as plain values."""

from dataclasses import dataclass

from mammobench.evaluation.importance import hyperparameter_importances
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.evaluation.pareto import pareto_front
from mammobench.report import facts, figures
from mammobench.report.answer import Answer, build_answer
from mammobench.report.columns import title_of
from mammobench.report.curves import Curves, leading_curves
from mammobench.report.explanations import Explanations, selected_explanations
from mammobench.report.notices import Notice, notices_of
from mammobench.report.ranking import Ranking, build_ranking
from mammobench.report.stress import stress_tables
from mammobench.study import StudyRecord
from mammobench.trial_record import TrialRecord

CONFIGURATIONS_DRAWN = 20


@dataclass(frozen=True)
class Figure:
    """A figure: its heading, inline SVG and one sentence below."""

    title: str
    svg: str
    caption: str


@dataclass(frozen=True)
class View:
    """The whole page."""

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    answer: Answer
    ranking: Ranking
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    confusions: tuple[facts.Confusion, ...]
    importance_reason: str | None
    recall: facts.Table | None
    stress: tuple[facts.Table, ...]
    explanations: Explanations | None
    front: facts.Table | None
    failures: facts.Table | None
    data: tuple[facts.Table, ...]
    run: tuple[facts.Table, ...]
    commands: tuple[tuple[str, str], ...]
    citations: tuple[str, ...]


def build_view(study: StudyRecord, board: Leaderboard) -> View:
    """Gather what the page shows."""
    trials, spec = study.trials, study.spec
    tried = int((board.frame["role"] == "searched").sum())
    curves = leading_curves(board, trials)
    importances = hyperparameter_importances(study)
    front = pareto_front(study)
    drawn = [
        *_score_figures(board),
        *_front_figures(spec.objectives, trials, front),
        *_curve_figures(curves, spec.objective),
    ]
    if importances.shares:
        caption = (
            f"Conditional PED-ANOVA over {importances.trials} trials: how much each hyperparameter decides "
            f"whether a trial is among the best by validation {title_of(spec.objective)}."
        )
        svg = figures.importance_figure(importances.shares)
        drawn.append(Figure("Hyperparameter importances", svg, caption))
    source = str(spec.store.get("source", "unknown source"))
    tasks = " and ".join(dict.fromkeys(split.task for split in board.splits.values()))
    return View(
        title=spec.name,
        subtitle=f"{tasks} · {source}",
        notices=notices_of((study,), board),
        answer=build_answer(board),
        ranking=build_ranking(board, (study,), tuple(importances.shares)),
        notes=facts.method_notes(board, tried=tried),
        figures=tuple(drawn),
        confusions=facts.confusions(curves),
        importance_reason=importances.reason,
        recall=facts.recall_table(board, [item.trial for item in curves]),
        stress=stress_tables(board),
        explanations=selected_explanations((study,), board),
        front=facts.front_table(study, front),
        failures=facts.failure_table(trials, board.left_out),
        data=(
            facts.data_table(spec.store, spec.fingerprint),
            *(facts.split_table(split) for split in board.splits.values()),
        ),
        run=(
            facts.study_table(study, trials),
            facts.space_table(study),
            facts.seconds_table(trials),
            facts.environment_table(trials),
        ),
        commands=facts.commands(study),
        citations=tuple(map(str, spec.store.get("citations", ()))),
    )


def _score_figures(board: Leaderboard) -> tuple[Figure, ...]:
    rows = board.rows
    shown = [
        row
        for place, row in enumerate(rows)
        if place < CONFIGURATIONS_DRAWN or row["selected"] or row["role"] != "searched"
    ]
    caption = (
        f"The first {CONFIGURATIONS_DRAWN} of {len(rows)}, the selected one, the reference CNN and the "
        "baselines."
        if len(shown) < len(rows)
        else "Every configuration, in the order of the table."
    )
    return tuple(
        Figure(f"Test {title_of(metric)}", figures.score_figure(shown, f"test_{metric}"), caption)
        for metric in ("f1", "accuracy")
    )


def _front_figures(
    objectives: tuple[str, ...], trials: tuple[TrialRecord, ...], front: tuple[TrialRecord, ...]
) -> list[Figure]:
    def points(some: tuple[TrialRecord, ...], place: int) -> list[tuple[float, float]]:
        values = [trial.objectives for trial in some if trial.objectives]
        return sorted((value[place], value[0]) for value in values)

    drawn = []
    for place in range(1, len(objectives) if front else 0):
        labels = (facts.objective_title(objectives[place]), facts.objective_title(objectives[0]))
        finished = tuple(trial for trial in trials if trial.state == "finished")
        svg = figures.front_figure(points(finished, place), points(front, place), labels)
        caption = "Every finished trial; the line joins those that no other beats in all objectives."
        drawn.append(Figure(f"Pareto front: {labels[1]} and {labels[0]}", svg, caption))
    return drawn


def _curve_figures(curves: tuple[Curves, ...], objective: str) -> list[Figure]:
    drawn = []
    if len(curves[0].class_names) == 2 and len({len(item.targets) for item in curves}) == 1:  # noqa: PLR2004
        caption = "Leaders on the test split; a dot marks the threshold chosen on validation."
        drawn.append(Figure("ROC", figures.roc_figure(curves), caption))
        drawn.append(Figure("Precision and recall", figures.precision_recall_figure(curves), caption))
    panels = (("objective", f"validation {title_of(objective)}"), ("loss", "training loss"))
    for column, label in panels:
        svg = figures.history_figure(curves, column, label)
        if svg:
            title = f"Learning curves: {label}"
            drawn.append(Figure(title, svg, "A dot marks the epoch whose weights predicted."))
    return drawn
