"""The model card of a reproduced trial: its model, data, test scores, intended use and limits."""

import re
from collections.abc import Mapping
from typing import Any

from mammobench.core.counted import COUNTED
from mammobench.data.images.intensity import AHEAD_OF_MODEL
from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import build_leaderboard, unit_of
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.markdown import templates
from mammobench.study.paths import page_command
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord

_METRICS = {
    "f1": "f1", "recall": "recall", "precision": "precision", "specificity": "specificity",
    "macro_f1": "f1", "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy",
    **{name: metric.hub for name, metric in COUNTED.items()},
    "auroc": "roc_auc", "auprc": "average_precision",
    "sensitivity_at_90": "recall", "sensitivity_at_95": "recall", "brier": "brier_score",
    "calibration_intercept": "calibration_intercept", "calibration_slope": "calibration_slope",
}  # fmt: skip
"""Metrics of the leaderboard, and what Hugging Face's hub calls them."""

_TASK = "image-classification"


def model_card(study: StudyRecord, trial: TrialRecord, split: Split, verdict: str) -> str:
    """Return a model card (Mitchell et al. 2019, doi:10.1145/3287560.3287596) as Hugging Face's hub reads it.

    Args:
        study: The study.
        trial: The finished or pruned trial that was trained again.
        split: Its split.
        verdict: The result of the reproduction, in a sentence.
    """
    # a second to import, and needed here alone
    from huggingface_hub import ModelCard  # noqa: PLC0415

    board = build_leaderboard(study, also=trial.number)
    row = next(row for row in board.rows if row["trial"] == trial.number)
    unit = unit_of(split)
    body = (
        templates()
        .get_template("model_card.md.j2")
        .render(
            spec=study.spec,
            trial=trial,
            split=split,
            unit=unit,
            level=f"{100 * board.level:.0f}",
            verdict=verdict,
            command=page_command("reproduce", study.folder, "--trial", str(trial.number)),
            optimism=board.optimism if row["selected"] else None,
            configurations=sum(record.in_space for record in study.trials),
            scores={title_of(name): _score(row, name) for name in _METRICS if f"test_{name}" in row},
            values=trial.config.values(),
            ahead_of_model=tuple(AHEAD_OF_MODEL),
        )
    )
    metadata = _metadata(study, row, split, interval=f"{100 * board.level:.0f} % interval over {unit}s")
    return str(ModelCard(f"---\n{metadata}\n---\n\n{body}"))


def _metadata(study: StudyRecord, row: Mapping[str, Any], split: Split, *, interval: str) -> str:
    from huggingface_hub import EvalResult, ModelCardData  # noqa: PLC0415 - as above

    spec = study.spec
    source = str(spec.store.get("source", "unknown source"))
    synthetic = bool(spec.store.get("synthetic"))
    results = [
        EvalResult(
            task_type=_TASK,
            task_name=spec.space["task"],
            dataset_type=_slug(source),
            dataset_name=source,
            dataset_config=f"{split.name} split",
            dataset_split="test",
            dataset_revision=spec.fingerprint,
            metric_type=name,
            metric_name=f"Test {title_of(metric)}{_between(row, metric, interval)}",
            metric_value=round(float(row[f"test_{metric}"]), 6),
        )
        for metric, name in _METRICS.items()
        if text.is_number(row.get(f"test_{metric}"))
    ]
    tags = ["mammography", "medical-imaging", "not-a-medical-device", "mammobench", str(spec.space["task"])]
    data = ModelCardData(
        model_name=f"{spec.name}, trial {row['trial']}",
        library_name="keras",
        pipeline_tag=_TASK,
        # what may be done with weights learnt from images depends on the images' licence
        license="other",
        license_name=_slug(str(spec.store.get("licence", "unknown"))),
        tags=[*tags, *(["synthetic-data"] if synthetic else []), *(["leaking-split"] if split.leaks else [])],
        datasets=[_slug(source)],
        metrics=list(dict.fromkeys(result.metric_type for result in results)),
        eval_results=results,
    )
    return str(data.to_yaml())


def _between(row: Mapping[str, Any], metric: str, interval: str) -> str:
    ends = text.ends(row, f"test_{metric}").strip("[]").replace(", ", " to ")
    return f" ({interval}: {ends})" if ends else ""


def _score(row: Mapping[str, Any], name: str) -> str:
    shown = text.with_interval(row, f"test_{name}")
    return "not defined" if shown == text.MISSING else shown


def _slug(words: str) -> str:
    """Write words as the hub writes names: ``cbis-ddsm-cc-by-3-0``."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60].rstrip("-") or "unknown"
