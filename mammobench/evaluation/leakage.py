"""Scores of the same configurations under several splits, and their differences with intervals.

Each split has a test set of its own, so that scores are not paired between splits: each side is resampled by
its own groups, all configurations of a split over the same resamples, and the mean over configurations on one
side is taken from that on the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mammobench.core.errors import StudyError
from mammobench.core.metrics import Floats, predicted_classes
from mammobench.data.splits.split import Split
from mammobench.evaluation.ends import intervals as intervals_of
from mammobench.evaluation.ends import rarest_groups
from mammobench.evaluation.intervals import Interval, Resamples, resampled_scores
from mammobench.evaluation.leaderboard import LEVEL, unit_of
from mammobench.evaluation.predictions import check_length, open_test
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord

METRICS = ("f1", "accuracy")
RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Reading:
    """The scores under one split.

    Attributes:
        split: The split.
        study: Name of the study that trained under it.
        scores: Test scores, one row a configuration (trial numbers), columns `METRICS`.
        means: Mean over the configurations, with intervals.
    """

    split: Split
    study: str
    scores: pd.DataFrame
    means: Mapping[str, Interval]

    @property
    def groups(self) -> int:
        """Groups of the test images by which intervals are as wide as they are."""
        return rarest_groups(self.split.test.targets, self.split.test.groups)


@dataclass(frozen=True, eq=False)
class Leakage:
    """The scores under every split, and their differences.

    Attributes:
        readings: By name of the split.
        names: Trial number to what its configuration is called.
        differences: By (leaking split's name, other split's name, metric): the mean over the configurations
            under the one minus that under the other.
        synthetic: Whether the images are.
        left_out: Splits that could not be measured, and why.
    """

    readings: dict[str, Reading]
    names: dict[int, str]
    differences: dict[tuple[str, str, str], Interval]
    synthetic: bool
    left_out: dict[str, str]


def measure(
    studies: Mapping[str, StudyRecord],
    *,
    left_out: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Leakage:
    """Compare the configurations that have finished under every split.

    Args:
        studies: Name of a split to the study that trained under it, with one seed and sampler for all.
        left_out: Splits that have no study, and why.
        resamples: How many to draw.
        seed: Root seed of the resamples.

    Raises:
        StudyError: When no configuration has finished under every split, or configurations differ.
    """
    trials = {name: _finished(study) for name, study in studies.items()}
    common = sorted(set.intersection(*({*some} for some in trials.values())))
    if not common:
        raise StudyError(
            "no configuration has finished under every split",
            found=", ".join(f"{len(some)} under {name}" for name, some in trials.items()),
            remedy="Run the same command again to go on",
        )
    first = next(iter(trials.values()))
    readings, samples = {}, {}
    for name, study in studies.items():
        for number in common:
            _require_same(first[number], trials[name][number], study)
        readings[name], samples[name] = _read(
            study, [trials[name][number] for number in common], resamples=resamples, seed=seed
        )
    differences = {
        (one, other, metric): _difference(
            readings[one], readings[other], samples[one], samples[other], metric
        )
        for one in readings
        if readings[one].split.leaks
        for other in readings
        if not readings[other].split.leaks
        for metric in METRICS
    }
    synthetic = any(bool(study.spec.store.get("synthetic")) for study in studies.values())
    names = {
        number: "reference CNN" if first[number].role == "reference" else f"configuration {number}"
        for number in common
    }
    return Leakage(readings, names, differences, synthetic, dict(left_out or {}))


def _finished(study: StudyRecord) -> dict[int, TrialRecord]:
    return {trial.number: trial for trial in study.trials if trial.state == "finished"}


def _require_same(one: TrialRecord, other: TrialRecord, study: StudyRecord) -> None:
    values = [
        {key: value for key, value in trial.config.values().items() if key != "data.split"}
        for trial in (one, other)
    ]
    if values[0] != values[1] or one.seed != other.seed:
        raise StudyError(
            f"trial {one.number} is another configuration than under the other splits",
            where=study.folder,
            remedy="Delete the studies of this measurement and run the command again",
        )


def _read(
    study: StudyRecord, trials: list[TrialRecord], *, resamples: int, seed: int
) -> tuple[Reading, dict[str, Floats]]:
    split = Split.load(study.split_path(trials[0].split))
    guesses = []
    for trial in trials:
        test = open_test(trial.folder)
        check_length(test, split.test, split, trial.folder)
        guesses.append(predicted_classes(test, trial.threshold).astype(np.int8))
    answers, targets, classes = np.stack(guesses, axis=1), split.test.targets, len(split.class_names)
    # one resample of every image once gives the points
    whole = resampled_scores(Resamples.once(len(targets)), targets, answers, classes)
    drawn = resampled_scores(
        Resamples(split.test.groups, count=resamples, seed=seed), targets, answers, classes
    )
    scores = pd.DataFrame(
        {metric: whole[metric][0].astype(np.float64) for metric in METRICS},
        index=[trial.number for trial in trials],
    )
    means = {metric: drawn[metric].astype(np.float64).mean(axis=1) for metric in METRICS}
    intervals = {
        metric: intervals_of(
            metric,
            [float(scores[metric].mean())],
            means[metric][:, None],
            groups=rarest_groups(targets, split.test.groups),
            level=LEVEL,
            unit=unit_of(split),
        )[0]
        for metric in METRICS
    }
    return Reading(split, study.spec.name, scores, intervals), means


def _difference(
    one: Reading, other: Reading, ones: dict[str, Floats], others: dict[str, Floats], metric: str
) -> Interval:
    point = one.means[metric].point - other.means[metric].point
    samples = (ones[metric] - others[metric])[:, None]
    unit = " and ".join(dict.fromkeys((one.means[metric].unit, other.means[metric].unit)))
    groups = min(one.groups, other.groups)
    return intervals_of("difference", [point], samples, groups=groups, level=LEVEL, unit=unit)[0]
