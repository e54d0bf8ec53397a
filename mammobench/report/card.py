"""The model card of a reproduced trial: what it is, how good, on what, and what it must not be used for."""

import math
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mammobench.data.intensity import AHEAD_OF_MODEL
from mammobench.data.splits import Split
from mammobench.evaluation.leaderboard import build_leaderboard, unit_of
from mammobench.study import StudyRecord
from mammobench.trial_record import TrialRecord

_METRICS = ("f1", "recall", "precision", "accuracy", "balanced_accuracy", "mcc", "auroc", "auprc", "brier")


def model_card(study: StudyRecord, trial: TrialRecord, split: Split, verdict: str) -> str:
    """Return a model card in Markdown (Mitchell et al. 2019).

    Args:
        study: The study.
        trial: The finished or pruned trial that was trained again.
        split: Its split.
        verdict: What the reproduction showed, in a sentence.
    """
    frame = build_leaderboard(study, also=trial.number).frame
    row = frame[frame["trial"] == trial.number].iloc[0]
    environment = Environment(
        loader=PackageLoader("mammobench.report"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, read as text
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("model_card.md.j2").render(
        spec=study.spec,
        trial=trial,
        split=split,
        unit=unit_of(split),
        verdict=verdict,
        configurations=sum(record.in_space for record in study.trials),
        scores={name: _score(row, name) for name in _METRICS if f"test_{name}" in row},
        values=trial.config.values(),
        ahead_of_model=tuple(AHEAD_OF_MODEL),
    )


def _score(row: "pd.Series[Any]", name: str) -> str:
    value, low, high = (row.get(f"test_{name}{end}") for end in ("", "_low", "_high"))
    if value is None or math.isnan(value):
        return "not defined"
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"{value:.3f}{interval}"
