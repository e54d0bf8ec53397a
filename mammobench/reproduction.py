"""Reproduction: train a recorded trial again, compare the predictions, and export the model."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mammobench.data.splits import Split
from mammobench.data.store import ImageStore
from mammobench.errors import DataError, ReproductionError, StudyError, TrialError
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.evaluation.selection import select_trial
from mammobench.files import write_json, write_text
from mammobench.metrics import scores
from mammobench.report.card import model_card
from mammobench.runtime import usable_cores
from mammobench.study import StudyRecord
from mammobench.trial_record import TrialRecord
from mammobench.trial_task import trial_task
from mammobench.workers import EpochEnd, TrialEnd, TrialProcess, wait_for_any

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
    on_epoch: Callable[[int, int], None] | None = None,
) -> Reproduction:
    """Train a trial again from its record and export it to ``best/``.

    Where versions, processor, threads and precision are those of the record, the difference must be zero.
    Elsewhere rounding differs from the first step on and training amplifies it, so the predictions are judged
    by `MEAN_TOLERANCE` (mean absolute difference of the test probabilities) and `F1_TOLERANCE`.

    Args:
        study: The study.
        number: The trial; None for the one that validation selected.
        data: The image store, if it is no longer where the search read it.
        on_epoch: Called after each epoch with its number and their total in the record.

    Raises:
        DataError: When the store is missing or its fingerprint is not the study's; nothing is trained.
        StudyError: When there is no such trial.
        TrialError: When the training fails.
        ReproductionError: When the predictions differ by more than they may; nothing is exported.
    """
    record = selected_trial(study, number)
    store = same_store(study, data)
    aside = study.folder / ".reproduce"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        end = train_again(study, record, store, aside, on_epoch, model_path=aside / "model.keras")
        return _export(study, judge(study, record, end, aside), aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def exported_model(
    study: StudyRecord,
    record: TrialRecord,
    *,
    data: Path | None = None,
    on_epoch: Callable[[int, int], None] | None = None,
) -> Path:
    """Return the exported model of a trial; one whose model is not in ``best/`` is reproduced first.

    Raises:
        DataError: When the store that this needs is missing or holds other images.
        TrialError: When the training fails.
        ReproductionError: When the trial is not reproduced.
    """
    model, described = study.folder / "best" / "model.keras", study.folder / "best" / "config.json"
    there = json.loads(described.read_text("utf-8")).get("trial") if described.exists() else None
    if there != record.number or not model.exists():
        return reproduce_trial(study, number=record.number, data=data, on_epoch=on_epoch).model
    return model


def same_store(study: StudyRecord, data: Path | None) -> ImageStore:
    """Open the study's images, where they were or in `data`.

    Raises:
        DataError: When they are missing or others.
    """
    store = ImageStore.open(data or Path(study.spec.data))
    if store.fingerprint != study.spec.fingerprint:
        raise DataError(
            "these are not the images that the study was made with",
            where=store.path,
            expected=f"fingerprint {study.spec.fingerprint}",
            found=store.fingerprint,
            remedy="Prepare the same source again, or name the right store with --data",
        )
    return store


def train_again(
    study: StudyRecord,
    record: TrialRecord,
    store: ImageStore,
    folder: Path,
    on_epoch: Callable[[int, int], None] | None,
    *,
    model_path: Path | None = None,
    conditions: tuple[str, ...] = (),
    on_condition: Callable[[int, int], None] = lambda *_: None,
) -> TrialEnd:
    """Train a trial from its record, with as many threads, in a process of its own.

    Args:
        study: Its study.
        record: The trial.
        store: The study's images.
        folder: For its artifacts; a checkpoint that an interruption left there is continued.
        on_epoch: Called after each epoch with its number and their total in the record.
        model_path: Where to save the model, if at all.
        conditions: Names of conditions under which it predicts too, into stress.npz.
        on_condition: Called after each of them with how many are done, and their total.

    Returns:
        Its end, with a result.

    Raises:
        TrialError: When the training fails.
    """
    threads = int(record.environment.get("threads", 0)) or usable_cores()
    task = trial_task(
        study, record, store, threads=threads, folder=folder, model_path=model_path, conditions=conditions
    )
    process = TrialProcess(task, on_condition=on_condition)
    try:
        while True:
            wait_for_any([process])
            for message in process.messages():
                if isinstance(message, EpochEnd):
                    if on_epoch:
                        on_epoch(message.epoch, record.epochs)
                elif message.result is None:
                    raise TrialError(
                        f"trial {record.number} failed when trained again: {message.reason}",
                        where=study.folder,
                    )
                else:
                    return message
    finally:
        process.stop()


def judge(study: StudyRecord, record: TrialRecord, end: TrialEnd, aside: Path) -> Agreement:
    """Compare the predictions of a trial that was trained again with the stored ones.

    Args:
        study: Its study.
        record: The recorded trial.
        end: From `train_again`.
        aside: The folder that it was trained in.

    Raises:
        ReproductionError: When they differ by more than they may.
    """
    assert end.result is not None  # noqa: S101 - train_again returns finished trials only
    split = Split.load(study.split_path(record.split))
    stored = open_validation(record.folder), open_test(record.folder)
    new = open_validation(aside), open_test(aside)
    f1 = [scores(split.test.targets, test, record.threshold)["f1"] for test in (stored[1], new[1])]
    here = end.result.environment
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
    record, best = agreement.trial, study.folder / "best"
    reproduction = Reproduction(**vars(agreement), model=best / "model.keras", card=best / "model_card.md")
    split = Split.load(study.split_path(record.split))
    best.mkdir(exist_ok=True)
    (aside / "model.keras").replace(reproduction.model)
    trained = json.loads((aside / "config.json").read_text(encoding="utf-8"))
    store = study.spec.store
    write_json(
        best / "config.json",
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
