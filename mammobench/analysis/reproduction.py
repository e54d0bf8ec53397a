"""Reproduction: train a recorded trial again, compare the predictions, and export the model."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mammobench.analysis.retraining import Retrained, alone, same_store, trained_again
from mammobench.core.errors import ReproductionError, StudyError
from mammobench.core.files import write_json, write_text
from mammobench.core.metrics import scores
from mammobench.data.splits.split import Split
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.evaluation.selection import select_trial
from mammobench.models.saved_model import MODEL
from mammobench.report.card import model_card
from mammobench.study.filenames import BEST, MODEL_CARD
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import CONFIG

MEAN_TOLERANCE = 0.05
F1_TOLERANCE = 0.05
_EXACT = ("python", "keras", "tensorflow", "numpy", "backend", "processor", "threads", "precision", "gpu")


@dataclass(frozen=True)
class Agreement:
    """How the predictions of a trial that was trained again agree with the stored ones.

    Attributes:
        trial: The recorded trial.
        largest_difference: Largest absolute difference of a probability, validation and test together.
        mean_difference: Mean absolute difference of the test probabilities.
        stored_f1: Test F1 of the stored predictions, at the stored threshold.
        new_f1: Test F1 of the new predictions, at the stored threshold.
        differs: What differs in the environment: name to (stored, here).
    """

    trial: TrialRecord
    largest_difference: float
    mean_difference: float
    stored_f1: float
    new_f1: float
    differs: Mapping[str, tuple[Any, Any]]

    @property
    def identical(self) -> bool:
        """Whether every probability came out to the same bits."""
        return self.largest_difference == 0.0

    def verdict(self) -> str:
        """Return in a sentence whether the trial is reproduced."""
        if self.identical:
            return f"Trial {self.trial.number} is reproduced: largest difference 0 over all predictions."
        changed = ", ".join(f"{key} ({old} -> {new})" for key, (old, new) in self.differs.items())
        return (
            f"Trial {self.trial.number} is reproduced within tolerance: largest difference "
            f"{self.largest_difference:.3g}, mean {self.mean_difference:.3g} (at most {MEAN_TOLERANCE}), "
            f"test F1 {self.stored_f1:.3f} -> {self.new_f1:.3f} (at most {F1_TOLERANCE} apart). "
            f"Different here: {changed}."
        )


@dataclass(frozen=True)
class Reproduction(Agreement):
    """A reproduced trial and its exported model.

    Attributes:
        model: The exported model.
        card: Its model card.
    """

    model: Path
    card: Path


def selected_trial(study: StudyRecord, number: int | None = None) -> TrialRecord:
    """Return a trial with a result: the one of that number, or the one that validation selected.

    A number may name a trial that was stopped early; it is trained as far again.

    Raises:
        StudyError: When there is no such trial, none has finished, or none has predictions that can be used.
        TrialError: When none has finished because they failed.
    """
    if number is not None:
        trained = {record.number: record for record in study.trials if record.state in {"finished", "pruned"}}
        if number not in trained:
            known = ", ".join(map(str, trained)) or "none"
            raise StudyError(
                f"trial {number} has no result to reproduce", where=study.folder, expected=f"one of {known}"
            )
        return trained[number]
    selected = select_trial(study)
    if selected is None:
        raise StudyError(
            "no searched trial has finished yet",
            where=study.folder,
            remedy="Continue the search, or name a --trial",
        )
    return selected


def reproduce_trial(
    study: StudyRecord,
    *,
    number: int | None = None,
    data: Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda *_: None,
) -> Reproduction:
    """Train a trial again from its record and export it to ``best/``.

    Where versions, processor, threads and precision are those of the record, the difference must be zero.
    Elsewhere rounding differs from the first step on and training amplifies it, so the predictions are judged
    by `MEAN_TOLERANCE` (mean absolute difference of the test probabilities) and `F1_TOLERANCE`.
    An interrupted training goes on from its checkpoint.

    Args:
        study: The study.
        number: The trial; None for the one that validation selected.
        data: The image store, if it is no longer where the search read it.
        on_epoch: Called after each epoch with its number and their total in the record.

    Raises:
        DataError: When the store is missing or its fingerprint is not the study's; nothing is trained.
        StudyError: When there is no such trial, or another process reproduces this study now.
        TrialError: When the training fails.
        ReproductionError: When the predictions differ by more than they may; nothing is exported.
    """
    record = selected_trial(study, number)
    store = same_store(study, data)
    with (
        alone(study, "reproduces"),
        trained_again(study, record, store, purpose="reproduce", on_epoch=on_epoch, model=True) as again,
    ):
        return _export(study, judge(study, again), again.folder)


def exported_model(
    study: StudyRecord,
    record: TrialRecord,
    *,
    data: Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda *_: None,
) -> Path:
    """Return the exported model of a trial; one whose model is not in ``best/`` is reproduced first.

    Raises:
        DataError: When the store that this needs is missing or holds other images.
        TrialError: When the training fails.
        ReproductionError: When the trial is not reproduced.
    """
    best = study.folder / BEST
    model, described = best / MODEL, best / CONFIG
    there = json.loads(described.read_text("utf-8")).get("trial") if described.exists() else None
    if there != record.number or not model.exists():
        return reproduce_trial(study, number=record.number, data=data, on_epoch=on_epoch).model
    return model


def judge(study: StudyRecord, again: Retrained) -> Agreement:
    """Compare the predictions of a trial that was trained again with the stored ones.

    Args:
        study: Its study.
        again: The trial, from `trained_again`.

    Raises:
        ReproductionError: When they differ by more than they may.
    """
    record = again.record
    split = Split.load(study.split_path(record.split))
    stored = open_validation(record.folder), open_test(record.folder)
    new = open_validation(again.folder), open_test(again.folder)
    f1 = [scores(split.test.targets, test, record.threshold)["f1"] for test in (stored[1], new[1])]
    here = again.result.environment
    agreement = Agreement(
        trial=record,
        largest_difference=max(float(np.abs(a - b).max()) for a, b in zip(stored, new, strict=True)),
        mean_difference=float(np.abs(stored[1] - new[1]).mean()),
        stored_f1=f1[0],
        new_f1=f1[1],
        differs={
            key: (record.environment.get(key), here.get(key))
            for key in _EXACT
            if record.environment.get(key) != here.get(key)
        },
    )
    _require_same(agreement, study.folder)
    return agreement


def _export(study: StudyRecord, agreement: Agreement, aside: Path) -> Reproduction:
    record, best = agreement.trial, study.folder / BEST
    reproduction = Reproduction(**vars(agreement), model=best / MODEL, card=best / MODEL_CARD)
    split = Split.load(study.split_path(record.split))
    best.mkdir(exist_ok=True)
    (aside / MODEL).replace(reproduction.model)
    trained = json.loads((aside / CONFIG).read_text(encoding="utf-8"))
    store = study.spec.store
    write_json(
        best / CONFIG,
        {
            **trained, "trial": record.number, "threshold": record.threshold, "study": study.spec.name,
            "class_names": list(split.class_names), "native_size": store.get("image_size"),
            "synthetic": bool(store.get("synthetic")),
        },
    )  # fmt: skip
    write_text(reproduction.card, model_card(study, record, split, reproduction.verdict()))
    return reproduction


def _require_same(reproduction: Agreement, where: Path) -> None:
    if reproduction.identical:
        return
    found = (
        f"largest difference {reproduction.largest_difference:.3g}, mean {reproduction.mean_difference:.3g}, "
        f"test F1 {reproduction.stored_f1:.3f} -> {reproduction.new_f1:.3f}"
    )
    problem = f"trial {reproduction.trial.number} was not reproduced"
    if not reproduction.differs:
        raise ReproductionError(
            problem,
            where=where,
            expected="difference 0 with the same versions, processor and threads",
            found=found,
        )
    close = abs(reproduction.new_f1 - reproduction.stored_f1) <= F1_TOLERANCE
    if reproduction.mean_difference > MEAN_TOLERANCE or not close:
        changed = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in reproduction.differs.items())
        raise ReproductionError(
            problem,
            where=where,
            expected=f"a mean difference of at most {MEAN_TOLERANCE} and test F1 within {F1_TOLERANCE}",
            found=found,
            remedy=f"Different here: {changed}. Reproduce with those of the record",
        )
