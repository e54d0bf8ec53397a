"""The sections on the search: hyperparameter importances and effects, and its history."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from mammobench.evaluation.effects import (
    ENOUGH_FOR_INTERVAL,
    LEVEL,
    finished_searched,
    hyperparameter_effects,
)
from mammobench.evaluation.importance import ALPHA, ENOUGH_TRIALS, PERMUTATIONS, Importances
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
    """Show the importance and effect of each hyperparameter, and the first two together."""
    studies, importances = material.studies, material.importances
    drawings: list[Drawing] = []
    notes: list[str] = []
    for name, study in studies.items():
        found, suffix, of = importances[name], *_named(studies, name)
        if found.shares:
            figure = search_figures.importance_figure(found)
            title = f"Hyperparameter importances{of}"
            drawings.append(Drawing(f"importances{suffix}", title, _importances(study, found), figure))
        else:
            notes.append(f"Hyperparameter importances{of} are not shown: {found.reason}.")
        drawings += _effects(study, found, suffix, of)
    enough = any(len(finished_searched(study)) > 1 for study in studies.values())
    return Section(
        "mattered", "Hyperparameters", drawings=tuple(drawings), notes=tuple(notes), parallel=enough
    )


def _importances(study: StudyRecord, found: Importances) -> str:
    """Say what the figure of importances shows, and of what."""
    level, share = f"{100 * LEVEL:g} %", f"{100 * ALPHA:g} %"
    objective = f"validation {title_of(study.spec.objective)}"
    sentences = [
        (
            f"Share of the variance of ranks of {objective} over {found.trials} trials that each "
            "hyperparameter explains alone (epsilon squared; a range in quarters). Orange: what "
            f"{100 * (1 - ALPHA):g} % of {PERMUTATIONS:,} permutations of the objective stay below, all "
            f"hyperparameters together: without any effect, one is called important in {share} of studies. "
            f"Black lines: {level} bootstrap intervals over trials."
        )
    ]
    if not found.important:
        sentences.append("No hyperparameter is above chance.")
    if found.unjudged:
        listed = "; ".join(f"{key} ({why})" for key, why in found.unjudged.items())
        sentences.append(f"Not judged, for it takes {ENOUGH_TRIALS} trials and two values: {listed}.")
    if found.chosen_by:
        sentences.append(
            f"Descriptive: {found.chosen_by} chose trials by results, so that importances are "
            "of the trials that finished, not of the search space."
        )
    return " ".join(sentences)


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


def _effects(study: StudyRecord, found: Importances, suffix: str, of: str) -> list[Drawing]:
    trials, objective = finished_searched(study), f"validation {title_of(study.spec.objective)}"
    known = {item.key: item for item in study.space.hyperparameters}
    ranked = [*found.shares, *(key for key in known if key not in found.shares)]
    used = [known[key] for key in ranked if any(key in trial.hyperparameters for trial in trials)]
    if len(trials) < ENOUGH or not used:
        return []
    important = found.important if found.shares else tuple(known)
    effects = {effect.key: effect for effect in hyperparameter_effects(study)}
    caption = (
        "A dot is a finished trial, a line the median of a choice or of a quarter of the trials, its band a "
        f"{100 * LEVEL:g} % bootstrap interval, from {ENOUGH_FOR_INTERVAL} trials on. The other "
        "hyperparameters vary as the engine chose them."
    )
    if found.shares:
        caption += f" Grey titles: {search_figures.NOT_ABOVE} or not judged."
    if len(used) > PANELS:
        by = "by importance" if found.shares else "of the search space"
        caption += f" The first {PANELS} of {len(used)} {by}."
    drawings = [
        Drawing(
            f"effects{suffix}", f"Effect of each hyperparameter{of}", caption,
            search_figures.effects_figure(trials, used[:PANELS], effects, important, objective),
        )
    ]  # fmt: skip
    pair = used[:2]
    both = [trial for trial in trials if all(item.key in trial.hyperparameters for item in pair)]
    if len(pair) > 1 and len(both) >= ENOUGH:
        title = f"Interaction of the two most important hyperparameters{of}"
        caption = "Each dot is a finished trial, its colour the objective; categorical values are jittered."
        if not {item.key for item in pair} <= {*found.important}:
            title = f"{pair[0].key} and {pair[1].key}{of}"
            lacking = [item.key for item in pair if item.key not in found.important]
            words = f"by importance, {' and '.join(lacking)} {search_figures.NOT_ABOVE}"
            caption += f" The first two {words if found.shares else 'of the search space'}."
        drawings.append(
            Drawing(f"interaction{suffix}", title, caption, search_figures.pair_figure(both, pair, objective))
        )
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
