"""The sections on the search: hyperparameter importances and effects, and its history."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from mammobench.evaluation.effects import hyperparameter_effects
from mammobench.evaluation.pareto import pareto_front
from mammobench.report import facts, search_figures, text
from mammobench.report.columns import title_of
from mammobench.report.drawing import Drawing
from mammobench.report.material import Material
from mammobench.report.section import Section
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord

PANELS = 8
ENOUGH = 3
Studies = Mapping[str, StudyRecord]


def mattered(material: Material) -> Section:
    """Show the importance and effect of each hyperparameter, and the interaction of the first two."""
    studies, importances = material.studies, material.importances
    drawings: list[Drawing] = []
    notes: list[str] = []
    for name, study in studies.items():
        found, suffix, of = importances[name], *_named(studies, name)
        objective = f"validation {title_of(study.spec.objective)}"
        if found.shares:
            caption = (
                f"Conditional PED-ANOVA over {found.trials} trials: how much each hyperparameter decides "
                f"whether a trial is among the best by {objective}. Lines: 95 % of bootstrap resamples."
            )
            figure = search_figures.importance_figure(found.shares, found.spread)
            drawings.append(
                Drawing(f"importances{suffix}", f"Hyperparameter importances{of}", caption, figure)
            )
        else:
            notes.append(f"Hyperparameter importances{of} are not shown: {found.reason}.")
        drawings += _effects(study, list(found.shares), suffix, of)
    enough = any(len(_finished(study.trials)) > 1 for study in studies.values())
    return Section(
        "mattered", "Hyperparameters", drawings=tuple(drawings), notes=tuple(notes), parallel=enough
    )


def went(material: Material) -> Section:
    """Show the best objective so far, pruned and failed trials, and the time."""
    studies = material.studies
    drawings: list[Drawing] = []
    tables: list[facts.Table] = []
    for name, study in studies.items():
        suffix, of = _named(studies, name)
        drawings += _progress(study, suffix, of)
        drawings += _fronts(study, suffix, of)
        stops, front = _stops(study, of), facts.front_table(study, pareto_front(study))
        tables += [table for table in (front, stops) if table]
        tables.append(facts.seconds_table(study.trials, of))
    failures = facts.failure_table(studies, material.board.left_out)
    tables += [failures] if failures else []
    return Section("search", "Search history", drawings=tuple(drawings), tables=tuple(tables), paired=True)


def _named(studies: Studies, name: str) -> tuple[str, str]:
    """Return a study's suffixes of figure names and headings: empty where there is one study."""
    if len(studies) == 1:
        return "", ""
    return f"-{1 + list(studies).index(name)}", f" of {name}"


def _finished(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.state == "finished" and trial.role == "searched"]


def _effects(study: StudyRecord, leading: Sequence[str], suffix: str, of: str) -> list[Drawing]:
    trials, objective = _finished(study.trials), f"validation {title_of(study.spec.objective)}"
    known = {item.key: item for item in study.space.hyperparameters}
    ranked = [*leading, *(key for key in known if key not in leading)]
    used = [known[key] for key in ranked if any(key in trial.hyperparameters for trial in trials)]
    if len(trials) < ENOUGH or not used:
        return []
    effects = {effect.key: effect for effect in hyperparameter_effects(study)}
    caption = (
        "A dot is a finished trial, a line the median of a choice or of a quarter of the trials, its band a "
        "95 % bootstrap interval. The other hyperparameters vary as the engine chose them."
    )
    if len(used) > PANELS:
        caption += f" The first {PANELS} of {len(used)} by importance."
    drawings = [
        Drawing(
            f"effects{suffix}", f"Effect of each hyperparameter{of}", caption,
            search_figures.effects_figure(trials, used[:PANELS], effects, objective),
        )
    ]  # fmt: skip
    pair = used[:2]
    both = [trial for trial in trials if all(item.key in trial.hyperparameters for item in pair)]
    if len(pair) > 1 and len(both) >= ENOUGH:
        drawings.append(
            Drawing(
                f"interaction{suffix}", f"Interaction of the two most important hyperparameters{of}",
                "Each dot is a finished trial, its colour the objective; categorical values are jittered.",
                search_figures.pair_figure(both, pair, objective),
            )
        )  # fmt: skip
    return drawings


def _progress(study: StudyRecord, suffix: str, of: str) -> list[Drawing]:
    spec = study.spec
    label = f"validation {title_of(spec.objective)}"
    trials = [trial for trial in study.trials if trial.role == "searched" and trial.objective is not None]
    if not trials:
        return []
    caption = "Searched trials; pruned ones do not count for the best so far."
    drawings = [
        Drawing(
            f"history-{'seconds' if seconds else 'trials'}{suffix}",
            f"Best so far by {'time' if seconds else 'trial'}{of}",
            "Time is the cumulative wall-clock time of the trials of all workers." if seconds else caption,
            search_figures.progress_figure(trials, spec.direction, label, seconds=seconds),
        )
        for seconds in (False, True)
    ]
    if any(trial.state == "pruned" for trial in trials):
        caption = f"A cross marks the epoch at which {spec.pruner} pruned a trial."
        curves = [trial for trial in trials if trial.curve]
        if len(curves) > search_figures.CURVES_DRAWN:
            caption += f" The last {search_figures.CURVES_DRAWN} of {len(curves)} trials."
        figure = search_figures.rung_figure(curves, label)
        drawings.append(Drawing(f"rungs{suffix}", f"Trials by epoch{of}", caption, figure))
    return drawings


def _stops(study: StudyRecord, of: str) -> facts.Table | None:
    """Count the pruned trials by epoch; None without any."""
    stopped: dict[int, list[float]] = defaultdict(list)
    for trial in study.trials:
        if trial.state == "pruned" and trial.objective is not None:
            stopped[trial.epochs].append(trial.objective)
    rows = tuple(
        (str(epochs), str(len(values)), text.score(float(np.median(values))))
        for epochs, values in sorted(stopped.items())
    )
    heads = ("after epoch", "trials", f"median validation {title_of(study.spec.objective)}")
    return facts.Table(f"Pruned trials{of}", heads, rows) if rows else None


def _fronts(study: StudyRecord, suffix: str, of: str) -> list[Drawing]:
    objectives, front = study.spec.objectives, pareto_front(study)
    finished = [trial for trial in study.trials if trial.state == "finished"]

    def points(some: Sequence[TrialRecord], place: int) -> list[tuple[float, float]]:
        values = [trial.objectives for trial in some if trial.objectives]
        return sorted((value[place], value[0]) for value in values)

    drawn = []
    for place in range(1, len(objectives) if front else 0):
        labels = (facts.objective_title(objectives[place]), facts.objective_title(objectives[0]))
        figure = search_figures.front_figure(points(finished, place), points(front, place), labels)
        caption = "Every finished trial; the line joins the non-dominated ones."
        title = f"Pareto front: {labels[1]} and {labels[0]}{of}"
        drawn.append(Drawing(f"front-{objectives[place]}{suffix}", title, caption, figure))
    return drawn
