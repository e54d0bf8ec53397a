"""The leaderboard: every finished configuration with its scores on test, an interval on each, and its cost.

Validation selects, within one split; the test split only ranks what is shown. The best test F1 of many
configurations is optimistic (of 100 equal ones at 378 images, by 5 points or more), so the row that
validation selected is the study's answer and is marked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mammobench.core.errors import StudyError
from mammobench.core.files import write_text
from mammobench.core.invocation import call_of
from mammobench.core.metrics import ZeroDivision
from mammobench.data.splits.split import Split
from mammobench.evaluation.comparison import add_comparison
from mammobench.evaluation.configurations import (
    Configuration,
    ConfigurationDifference,
    compare_configurations,
)
from mammobench.evaluation.ends import rarest_groups
from mammobench.evaluation.entries import (
    Entry,
    constant_entries,
    shortcut_entries,
)
from mammobench.evaluation.gathering import gather, study_names
from mammobench.evaluation.intervals import Resamples, Samples
from mammobench.evaluation.optimism import Optimism, corrected_best
from mammobench.evaluation.predictions import open_stressed
from mammobench.evaluation.replicates import Replicated, replicated
from mammobench.evaluation.scoring import add_intervals
from mammobench.evaluation.selection import split_families, validation_order
from mammobench.evaluation.stress import Stressed, stressed
from mammobench.evaluation.tables import main_and_other_tables, shown_together
from mammobench.study.record import StudyRecord

LEVEL = 0.95
BASELINES = ("constant", "shortcut")
"""Roles of rows that are no trials."""

SHOWN = {
    "rank": "rank", "name": "configuration", "test_f1": "test F1", "test_f1_low": "low",
    "test_f1_high": "high", "test_accuracy": "test accuracy", "test_recall": "test recall",
    "test_precision": "test precision",
    "validation_f1": "validation F1", "selected": "selected",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Ranked configurations; shows itself as a table in a notebook.

    Attributes:
        frame: One row a finished trial and one a baseline, best test F1 first, then accuracy, all on one
            split but in a study that compares the reference split with the official one. ``role`` is
            reference, searched, constant (one class for all images) or shortcut (image statistics alone);
            ``selected`` marks validation's choice, and with several splits ``selected_in_split`` its choice
            within each; ``leaks`` marks scores on a split with crops of one lesion on both
            sides. ``difference`` columns are test F1 minus the selected row's over shared resamples;
            ``verdict`` is ``better``, ``worse`` or ``not significantly different`` (``difference_p_adjusted``
            not below 0.05), of these trained models on these images. ``family`` says among which comparisons
            p-values are corrected: ``planned`` (whether the selected row is better than the reference CNN or
            a baseline: one-sided, doubled, Holm) or ``exploratory`` (all others, minP). ``mcnemar_p``
            compares accuracies. Columns with a dot in their name are
            hyperparameters.
        left_out: Name and reason of each finished trial whose predictions cannot be used.
        resamples: Bootstrap resamples behind each interval.
        level: Nominal coverage of the intervals.
        splits: The splits in use, by hash.
        stress: The trials that ``mammobench stress`` has looked at, best test F1 first.
        studies: What the table calls the studies that it ranks. With several there is a column ``study``, and
            a trial is known by (study, trial).
        optimism: The selection bias of the best test F1; None where nothing is selected.
        replicates: The trials that ``mammobench replicate`` has trained with other seeds, best test F1 first.
        configurations: Those of them against the selected one, over seeds and patients together; none
            where the selected one has fewer than two replicates.
        seed: Root seed of the resamples.
        zero_division: The precision of a class that is never predicted.
        elsewhere: The same columns for the trials on other splits, ranked within each, with no comparison.
    """

    frame: pd.DataFrame
    left_out: tuple[tuple[str, str], ...]
    resamples: int
    level: float
    splits: dict[str, Split]
    stress: tuple[Stressed, ...] = ()
    studies: tuple[str, ...] = ()
    replicates: tuple[Replicated, ...] = ()
    optimism: Optimism | None = None
    configurations: tuple[ConfigurationDifference, ...] = ()
    seed: int = 0
    elsewhere: pd.DataFrame = field(default_factory=pd.DataFrame)
    zero_division: ZeroDivision = "nan"

    @property
    def selected(self) -> "pd.Series[Any] | None":
        """The row that validation selected; None before any searched trial has finished."""
        rows = self.frame[self.frame["selected"]]
        return None if rows.empty else rows.iloc[0]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as column to value, best first."""
        return [
            {str(column): value for column, value in row.items()} for row in self.frame.to_dict("records")
        ]

    @property
    def hyperparameters(self) -> list[str]:
        """Dotted keys of the hyperparameter columns."""
        return [column for column in self.frame.columns if "." in column]

    def to_csv(self, path: Path) -> None:
        """Write the whole table, trials on other splits behind it, or nothing."""
        whole = pd.concat([self.frame, self.elsewhere]) if len(self.elsewhere) else self.frame
        write_text(path, whole.to_csv(index=False))

    def _repr_html_(self) -> str:
        columns = [*SHOWN, *self.hyperparameters]
        table = self.frame[columns].rename(columns=SHOWN)
        return str(table.to_html(index=False, float_format="{:.3f}".format, na_rep="", border=0))


def unit_of(split: Split) -> str:
    """Return what intervals on a split resample: images where no group has two in the test part."""
    grouped = len(np.unique(split.test.groups)) < len(split.test)
    return "patient or lesion group" if grouped else "image"


@call_of("build_leaderboard() in Python")
def build_leaderboard(
    studies: StudyRecord | Sequence[StudyRecord],
    *,
    seed: int = 0,
    resamples: int = 2000,
    also: int | None = None,
    zero_division: ZeroDivision = "nan",
) -> Leaderboard:
    """Rank the finished trials of one study, or of several together, by test F1, then accuracy.

    Intervals rest on a bootstrap over patients or lesion groups where the split knows them, else over images
    (`mammobench.evaluation.ends`); all rows on one split share its resamples, whichever study they come from.

    Args:
        studies: An opened study, or several of one task, one objective and the same images.
        seed: Root seed of the resamples.
        resamples: How many to draw.
        also: A trial of the first study to score among them although it was pruned or another trial
            continues it; never selected for that.
        zero_division: The precision of a class that is never predicted, as scikit-learn's: ``nan`` leaves it
            out of the mean over classes.

    Raises:
        StudyError: If the studies cannot be ranked together, no trial has finished, or none has predictions
            that can be used.
        TrialError: If none has finished because they failed.
    """
    studies = (studies,) if isinstance(studies, StudyRecord) else tuple(studies)
    gathered = gather(studies, also=also, zero_division=zero_division)
    entries = list(gathered.entries)
    families = split_families(
        ((entry.row["split_hash"], _key(entry.row) in gathered.eligible) for entry in entries),
        gathered.splits,
    )
    for family in families:
        inside = [entry for entry in entries if entry.row["split_hash"] in family]
        eligible = [entry for entry in inside if _key(entry.row) in gathered.eligible]
        _mark_selected(eligible, studies[0].spec.direction, of_all=family is families[0])
    under_stress: list[Stressed] = []
    over_seeds: list[Replicated] = []
    optimism: Optimism | None = None
    compared: tuple[ConfigurationDifference, ...] = ()
    splits = {key: gathered.splits[key] for family in families for key in gathered.splits if key in family}
    for key, split in splits.items():
        inside = [entry for entry in entries if entry.row["split_hash"] == key]
        baselines = [
            *constant_entries(split, zero_division=zero_division),
            *shortcut_entries(split, gathered.shortcuts[key], zero_division=zero_division),
        ]
        inside += baselines
        entries += baselines
        drawn, samples = add_intervals(
            inside, split, seed=seed, count=resamples, level=LEVEL, zero_division=zero_division
        )
        add_comparison(inside, split, samples, level=LEVEL)
        optimism = _optimism(inside, split, samples) or optimism
        under_stress += _add_stress(inside, split, drawn)
        replicates = _add_replicates(inside, split)
        over_seeds += replicates
        compared += _compare_configurations(inside, replicates, split, drawn)
    together = shown_together(studies, entries, families)
    rows = [entry.row for entry in entries]
    frames = main_and_other_tables(rows, families, together, several=len(studies) > 1)
    place = {name: number for number, name in enumerate(pd.concat(frames)["name"])}
    under_stress.sort(key=lambda trial: place[trial.name])
    over_seeds.sort(key=lambda trial: place[trial.name])
    return Leaderboard(
        frames[0], tuple(gathered.left_out), resamples, LEVEL, splits, tuple(under_stress),
        tuple(study_names(studies)), tuple(over_seeds), optimism, compared, seed, frames[1],
        zero_division,
    )  # fmt: skip


def _key(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["study"], row["trial"]


def _mark_selected(entries: Iterable[Entry], direction: str, *, of_all: bool = True) -> None:
    """Mark the best on validation, of all or of its split; one that leaks only where there is no other."""
    candidates = [entry.row for entry in entries]
    if candidates:

        def order(row: dict[str, Any]) -> tuple[bool, float, int]:
            leaks = row["leaks"]
            return validation_order(row["objective"], row["trial"], leaks=leaks, direction=direction)

        best = min(candidates, key=order)
        best["selected_in_split"] = True
        if of_all:
            best["selected"] = True


def _optimism(entries: Sequence[Entry], split: Split, samples: Samples) -> Optimism | None:
    """Correct the best test F1 of the searched rows, where the selected one is among them."""
    searched = [row for row, entry in enumerate(entries) if entry.row["role"] == "searched"]
    selected = next((entry.row for entry in entries if entry.row.get("selected")), None)
    scored = [entries[row].row["test_f1"] for row in searched]
    if selected is None or not searched or np.isnan(scored).all():
        return None
    groups = rarest_groups(split.test.targets, split.test.groups)
    interval = corrected_best(scored, samples[:, searched], groups=groups, level=LEVEL, unit=unit_of(split))
    best = float(np.nanmax(scored))
    gap = selected["validation_f1"] - selected["test_f1"]
    return Optimism(len(searched), best, interval.point, best - interval.point, interval, gap)


def _add_stress(entries: list[Entry], split: Split, resamples: Resamples) -> list[Stressed]:
    results = []
    for row, folder in ((entry.row, entry.folder) for entry in entries if entry.folder):
        try:
            predictions = open_stressed(folder, split)
        except StudyError:
            # not needed for a ranking, and made again by the command that made it
            continue
        if predictions is not None:
            known = {key: row[key] for key in ("trial", "name", "threshold")}
            result = stressed(predictions, split, resamples, **known, level=LEVEL, unit=unit_of(split))
            row.update(result.columns)
            results.append(result)
    return results


def _add_replicates(entries: list[Entry], split: Split) -> list[Replicated]:
    results = []
    for row, folder in ((entry.row, entry.folder) for entry in entries if entry.folder):
        result = replicated(folder, split, trial=row["trial"], name=row["name"])
        if result is not None:
            row.update(result.columns)
            results.append(result)
    return results


def _compare_configurations(
    entries: Sequence[Entry], replicates: Sequence[Replicated], split: Split, drawn: Resamples
) -> tuple[ConfigurationDifference, ...]:
    chosen = next((entry.row["name"] for entry in entries if entry.row.get("selected")), None)
    known = {each.name: Configuration(each.trial, each.name, each.guesses) for each in replicates}
    if chosen is None or chosen not in known:
        return ()
    selected = known.pop(chosen)
    return compare_configurations(
        selected, list(known.values()), split, drawn, level=LEVEL, unit=unit_of(split)
    )
