"""The report's tables: data, split, recall by lesion type, failures, time, environment, commands."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mammobench.core.invocation import as_started
from mammobench.core.metrics import confusion_matrix, predicted_classes
from mammobench.data.splits.recorded_shares import share_warnings
from mammobench.data.splits.split import PARTS, Split
from mammobench.evaluation.entries import LESION_TYPES, positives_by_lesion_type
from mammobench.evaluation.leaderboard import Leaderboard, unit_of
from mammobench.evaluation.openings import openings_of
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.curves import Curves
from mammobench.space.config import DataConfig
from mammobench.study.filenames import OPENINGS
from mammobench.study.paths import page_command
from mammobench.study.record import StudyRecord
from mammobench.study.spec import direction_of
from mammobench.study.trial_record import STATES, TrialRecord


@dataclass(frozen=True)
class Table:
    """A small table: heads, and rows whose first cell names them."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix: counts, and each as a share of its true class from 0 to 1."""

    name: str
    class_names: tuple[str, ...]
    rows: tuple[tuple[tuple[str, float], ...], ...]


def split_table(split: Split, data: DataConfig | None = None) -> Table:
    """Count images and groups of the three parts by class; `data` is what the split was made by."""
    rows = []
    for name in PARTS:
        part = getattr(split, name)
        counts = np.bincount(part.targets, minlength=len(split.class_names))
        groups = text.whole(len(np.unique(part.groups))) if split.grouped else text.MISSING
        rows.append((name, text.whole(len(part)), *(text.whole(int(count)) for count in counts), groups))
    heads = ("part", "images", *split.class_names, "patients or lesion groups")
    title = f"{split.name} split, task {split.task}"
    shares = () if data is None else share_warnings(split, data)
    return Table(title, heads, tuple(rows), tuple(dict.fromkeys((*split.warnings, *shares))))


def recall_table(board: Leaderboard, names: Iterable[str]) -> Table | None:
    """Show the recall of the positive class by lesion type; None for tasks that do not mix the types."""
    rows, wanted = [], set(names)
    for row in board.rows:
        split = board.splits[row["split_hash"]]
        if not positives_by_lesion_type(split.test, split) or row["name"] not in wanted:
            continue
        recalls = (f"test_recall_{kind}" for kind in LESION_TYPES)
        rows.append(
            (str(row["name"]), text.with_interval(row, "test_recall"),
             *(text.with_interval(row, column) for column in recalls))
        )  # fmt: skip
    if not rows:
        return None
    split = next(iter(board.splits.values()))
    masks = positives_by_lesion_type(split.test, split)
    counts = tuple(f"{kind} (n = {int(mask.sum()):,})" for kind, mask in masks.items())
    note = f"Share of {split.class_names[1]} test images that were classified as such, by lesion type."
    return Table("Recall by lesion type", ("configuration", "all", *counts), tuple(rows), (note,))


def confusions(curves: Iterable[Curves]) -> tuple[Confusion, ...]:
    """Count the test images of each leader by true and predicted class."""
    result = []
    for item in curves:
        guesses = predicted_classes(item.test, item.threshold)
        matrix = confusion_matrix(item.targets, guesses, len(item.class_names))
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        rows = tuple(
            tuple(
                (text.whole(int(count)), round(float(share), 3)) for count, share in zip(*both, strict=True)
            )
            for both in zip(matrix, shares, strict=True)
        )
        result.append(Confusion(item.name, item.class_names, rows))
    return tuple(result)


def data_table(store: Mapping[str, Any], fingerprint: str) -> Table:
    """Describe the image store."""
    rows = [("source", str(store.get("source", text.MISSING)))]
    rows += [(str(name), text.whole(count)) for name, count in store.get("counts", {}).items()]
    rows += [
        ("native size", f"{store['image_size']} px"),
        ("licence", str(store.get("licence", text.MISSING))),
        ("fingerprint", fingerprint),
    ]
    return Table("Images", (), tuple(rows), tuple(map(str, store.get("warnings", ()))))


def study_table(study: StudyRecord, trials: Iterable[TrialRecord], of: str = "") -> Table:
    """Describe the search."""
    spec, counts = study.spec, dict.fromkeys(STATES, 0)
    for trial in trials:
        counts[trial.state] += 1
    rows = (
        ("study", spec.name),
        ("space", spec.space_name),
        *(("objective", f"{objective_title(name)}, {direction_of(name)}d") for name in spec.objectives),
        *((f"limit of {objective_title(cost)}", f"{limit:g}") for cost, limit in spec.limits.items()),
        ("engine", f"{spec.engine}, {spec.sampler}"),
        ("pruner", spec.pruner),
        ("seed", str(spec.seed)),
        ("precision", spec.precision),
        ("trials", ", ".join(f"{count} {state}" for state, count in counts.items() if count)),
        ("started", spec.created),
        *((f"{name} version", version) for name, version in spec.versions.items()),
    )
    return Table(f"Search{of}", (), rows)


def front_table(study: StudyRecord, front: Iterable[TrialRecord]) -> Table | None:
    """List the Pareto front by all objectives; None for a study of one."""
    rows = [
        (f"trial {trial.number}", *(text.number(value) for value in trial.objectives or ()))
        for trial in front
    ]
    heads = ("configuration", *(objective_title(name) for name in study.spec.objectives))
    note = "No other trial is at least as good in all objectives and better in one."
    return Table("Pareto front", heads, tuple(rows), (note,)) if rows else None


def objective_title(name: str) -> str:
    """Return what an objective is called in a sentence."""
    costs = {"weights": "weights", "flops": "operations for one image", "latency_ms": "ms for one image"}
    return costs.get(name) or f"validation {title_of(name)}"


def space_table(study: StudyRecord, of: str = "") -> Table:
    """List what was searched, and what was fixed."""
    space = study.space
    rows = [
        (item.key, item.describe() + "".join(f", when {parent} is {' or '.join(map(str, allowed))}"
                                             for parent, allowed in item.when.items()))
        for item in space.hyperparameters
    ]  # fmt: skip
    rows += [(f"{key} (fixed)", json.dumps(value)) for key, value in space.fixed.items()]
    return Table(f"Search space{of}", (), tuple(rows))


def seconds_table(trials: Iterable[TrialRecord], of: str = "") -> Table:
    """Sum the wall clock of finished trials by part."""
    finished = [trial for trial in trials if trial.state == "finished"]
    parts = dict.fromkeys(part for trial in finished for part in trial.seconds)
    totals = {part: sum(trial.seconds.get(part, 0.0) for trial in finished) for part in parts}
    everything = sum(totals.values())
    rows = [
        (
            part,
            text.duration(total / len(finished)),
            text.duration(total),
            f"{100 * total / everything:.1f} %",
        )
        for part, total in totals.items()
        if everything
    ]
    rows.append(("all", text.duration(everything / max(1, len(finished))), text.duration(everything), ""))
    return Table(f"Time{of}", ("part", "mean per trial", "all trials", "share"), tuple(rows))


def environment_table(trials: Iterable[TrialRecord]) -> Table:
    """Describe the machines and versions; trials that differ show each value."""
    seen: dict[str, dict[str, None]] = {}
    for trial in trials:
        for name, item in trial.environment.items():
            seen.setdefault(name, {})[text.setting(item)] = None
    rows = tuple((name.replace("_", " "), " · ".join(items)) for name, items in seen.items())
    return Table("Environment", (), rows)


def failure_table(studies: Mapping[str, StudyRecord], left_out: Iterable[tuple[str, str]]) -> Table | None:
    """List trials that failed or cannot be ranked; None without any."""
    reasons = {
        "failed": lambda trial: str(trial.reason),
        "pruned": lambda trial: f"pruned after epoch {trial.epochs}",
        "infeasible": lambda trial: (
            "over a limit: "
            + ", ".join(f"{objective_title(name)} {text.number(cost)}" for name, cost in trial.costs.items())
        ),
    }
    rows: list[tuple[str, str, str]] = [
        (
            f"trial {trial.number}" + (f" of {name}" if len(studies) > 1 else ""),
            trial.state,
            reasons[trial.state](trial),
        )
        for name, study in studies.items()
        for trial in study.trials
        if trial.state in reasons
    ]
    rows += [(name, "excluded", reason) for name, reason in left_out]
    return Table("Trials that are not ranked", ("trial", "state", "reason"), tuple(rows)) if rows else None


def commands(study: StudyRecord) -> tuple[tuple[str, str], ...]:
    """Return what each command does, and the command."""
    return (
        ("Retrain the selected configuration and compare", page_command("reproduce", study.folder)),
        ("Repeat or continue this search", as_started(study.spec.command)),
        ("Regenerate this report", page_command("report", study.folder)),
    )


def seal_note(studies: Iterable[StudyRecord]) -> str:
    """Say that test selects nothing, and how often it was opened."""
    known = tuple(studies)
    several = len(known) > 1
    told = (
        f"{f'{study.spec.name}: ' if several else ''}{openings_of(study.folder).told()}" for study in known
    )
    return (
        "Test predictions are sealed: the search never sees them, and each command that reads them is logged "
        f"in the study ({OPENINGS}). By that log, {'; '.join(told)}."
    )


def method_notes(board: Leaderboard, *, tried: int) -> tuple[str, ...]:
    """Describe the statistical methods and their limits."""
    units = " and ".join(dict.fromkeys(f"{unit_of(split)}s" for split in board.splits.values()))
    finished = f"{tried} searched {'configuration' if tried == 1 else 'configurations'} finished."
    selection = (
        f"{finished} One is selected on validation; the test split ranks what is shown and selects nothing, "
        "so that the selected one's test score needs no correction. The best test score of many models is "
        "optimistic (the winner's curse); its correction is an empirical Bayes estimate (Koenker and Mizera "
        "2014)."
    )
    intervals = (
        f"Intervals: {100 * board.level:.0f} %, from a bootstrap over {units}, {board.resamples:,} resamples "
        "shared by all rows: Wilson score intervals of what counts decide, Student's t on the logit of "
        "AUROC, average precision and Brier score, with the groups that hold an image of the rarer class "
        "(for recall the positive, for specificity the negative one) as the sample size; calibration "
        "intercept and slope have cluster-robust standard errors."
    )
    comparisons = (
        "Comparisons are of trained models on the same images, by paired t-tests of test F1. Planned was "
        "whether the selected one is better than the reference CNN and the baselines (one-sided at "
        f"{(1 - board.level) / 2:.3g}, Holm's method); all else, a better baseline too, is exploratory "
        "(minP, Westfall and Young 1993). “Significantly”: the corrected p-value is below "
        f"{1 - board.level:.2f}, with one-sided p-values doubled; the intervals themselves are not "
        "corrected. McNemar's test, corrected by "
        "Holm's method in each family, compares accuracies. Configurations are compared over training seeds "
        "and patients together, where replicates are there (pigeonhole bootstrap, Owen 2007)."
    )
    return selection, intervals, comparisons, _precision_note(board)


def _precision_note(board: Leaderboard) -> str:
    """Say which precision a class has that is never predicted."""
    several = not all(split.binary for split in board.splits.values())
    kinds = {
        "nan": "is left out of the mean over classes, which is higher so than by scikit-learn's default, 0"
        if several
        else "is not defined, a dash",
        "0": "counts as 0, as by scikit-learn's default",
        "1": "counts as 1",
    }
    which = "of a class that is never predicted" if several else "without any positive prediction"
    return (
        f"{'Macro precision: the' if several else 'The'} precision {which} {kinds[board.zero_division]} "
        f"(zero_division = {board.zero_division})."
    )
