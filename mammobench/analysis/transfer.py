"""External evaluation: a study's model on the images of another set."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.analysis.reproduction import exported_model, selected_trial
from mammobench.analysis.retraining import same_store
from mammobench.core.errors import DataError
from mammobench.core.files import write_json, written_aside
from mammobench.core.metrics import predicted_classes, scores
from mammobench.data.groups import groups_of
from mammobench.data.images.overlap import Overlap, find_overlap
from mammobench.data.splits.split import Split
from mammobench.data.splits.tasks import get_task
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.curves import resampled_curves
from mammobench.evaluation.ends import intervals, rarest_groups
from mammobench.evaluation.intervals import Interval, Resamples
from mammobench.evaluation.leaderboard import LEVEL
from mammobench.evaluation.slices import sliced_scores
from mammobench.study.filenames import EVALUATIONS, SCORES, SLICES
from mammobench.study.paths import command_for
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import PREDICTIONS
from mammobench.training.inference import Inference, infer
from mammobench.training.process import call_in_process
from mammobench.tuning.proposer import restore_split

RESAMPLES = 2000
SEEN, HELD_OUT = "training or validation", "test"


@dataclass(frozen=True, eq=False)
class Transfer:
    """The scores on the other set.

    Attributes:
        trial: The trial whose model was used.
        task: Its task.
        store: Name of the other store.
        source: What that says it is.
        synthetic: Whether no image of it shows a person.
        threshold: Chosen on the study's validation; None for more than two classes.
        points: Every metric of `mammobench.core.metrics.scores`.
        auroc: With its interval; None for more than two classes.
        slices: Of `mammobench.evaluation.slices`, first all images; ``overlap`` is `mark`.
        overlap: What the other set shares with the study's parts; None where the study's own images were not
            there to compare.
        folder: Where it is kept, as ``scores.json``, ``slices.csv`` and ``predictions.npz``.
    """

    trial: int
    task: str
    store: str
    source: str
    synthetic: bool
    threshold: float | None
    points: dict[str, float]
    auroc: Interval | None
    slices: pd.DataFrame
    overlap: Overlap | None
    folder: Path

    @property
    def mark(self) -> str:
        """What stands beside every figure: ``none``, ``overlapping`` or ``not compared``."""
        return _mark(self.overlap)

    def values(self) -> dict[str, Any]:
        """Return it as JSON-compatible values; beside every figure stands `mark`."""
        mark = {"overlap": self.mark}
        return {
            "trial": self.trial,
            "task": self.task,
            "store": self.store,
            "source": self.source,
            "synthetic": self.synthetic,
            "threshold": self.threshold,
            **mark,
            "shared": None if self.overlap is None else self.overlap.values(),
            "points": {**self.points, **mark},
            "auroc": None if self.auroc is None else {**asdict(self.auroc), **mark},
            "slices": json.loads(self.slices.to_json(orient="records")),
        }


def evaluate_elsewhere(
    study: StudyRecord,
    store: ImageStore,
    *,
    number: int | None = None,
    seed: int = 0,
    own: Path | None = None,
    allow_overlap: bool = False,
    on_epoch: Callable[[int, int], None] = lambda *_: None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Transfer:
    """Apply a study's model to every image of another store that takes part in its task.

    The model is the exported one in ``best/``; a trial whose model is not there is reproduced first. The
    threshold stays the one that was chosen on the study's own validation.

    Args:
        study: The study.
        store: The other images.
        number: The trial; None for the one that validation selected.
        seed: Root seed of the resamples.
        own: The study's own image store, if it is no longer where the search read it.
        allow_overlap: Whether to go on where the other store holds pictures or patients of the study's parts,
            or cannot be compared with them; every figure says so.
        on_epoch: Called after each epoch of a reproduction, as for `reproduce_trial`.
        progress: Told how many images have been compared with the study's, of how many.

    Raises:
        DataError: When images are the study's own, too small, or of one class alone.
        StudyError: When there is no such trial.
        ReproductionError: When the trial is not reproduced.
    """
    record = selected_trial(study, number)
    if store.fingerprint == study.spec.fingerprint and not allow_overlap:
        raise DataError(
            "these are the images that the study was made with",
            where=store.path,
            expected="another store",
            remedy=f"`{command_for('report', study.folder)}` has the study's own test set",
        )
    task, config = get_task(record.config.data.task), record.config.data
    labels = store.index["label"].to_numpy(dtype=np.int64)
    rows = np.flatnonzero(task.select(labels))
    targets = task.targets(labels[rows])
    if len(np.unique(targets)) <= 1:
        raise DataError(
            f"this store cannot serve the task {task.name}",
            where=store.path,
            expected=f"images of at least two classes ({', '.join(task.class_names)})",
            found=f"{len(rows)} images of {len(np.unique(targets))}",
        )
    overlap = _compared(study, record, store, rows, own, progress, allowed=allow_overlap)
    # before anything is trained again: an image that is too small is an error
    store.images(config.image_size, config.interpolation)
    model = exported_model(study, record, on_epoch=on_epoch)
    asked = Inference(
        model, store.path.resolve(), config.image_size, config.interpolation, config.intensity, rows
    )
    predicted = call_in_process(infer, asked)
    groups = groups_of(store).codes[rows]
    auroc = None
    if task.binary:
        drawn = Resamples(groups, count=RESAMPLES, seed=seed)
        samples = resampled_curves(drawn, targets == 1, [predicted])["auroc"]
        unit = "patient or lesion group" if drawn.size < len(rows) else "image"
        point = scores(targets, predicted, record.threshold)["auroc"]
        few = rarest_groups(targets, groups)
        auroc = intervals("auroc", [point], samples, groups=few, level=LEVEL, unit=unit)[0]
    done = Transfer(
        overlap=overlap,
        trial=record.number,
        task=task.name,
        store=store.path.resolve().name,
        source=store.manifest.source,
        synthetic=store.manifest.synthetic,
        threshold=record.threshold,
        points=scores(targets, predicted, record.threshold),
        auroc=auroc,
        slices=sliced_scores(
            store.index.iloc[rows],
            targets,
            predicted_classes(predicted, record.threshold).astype(np.int8),
            groups,
            classes=task.classes,
            level=LEVEL,
            resamples=RESAMPLES,
            seed=seed,
        ).assign(overlap=_mark(overlap)),
        folder=study.folder / EVALUATIONS / f"{store.path.resolve().name}-{store.fingerprint[:8]}",
    )
    done.folder.mkdir(parents=True, exist_ok=True)
    with written_aside(done.folder / PREDICTIONS) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file, allow_pickle=False, rows=rows, targets=targets, probability=predicted,
            **({} if overlap is None else {"overlapping": overlap.images}),
        )  # fmt: skip
    done.slices.to_csv(done.folder / SLICES, index=False)
    write_json(done.folder / SCORES, done.values())
    return done


def _mark(overlap: Overlap | None) -> str:
    if overlap is None:
        return "not compared"
    return "overlapping" if overlap.images.any() else "none"


def _compared(
    study: StudyRecord,
    record: TrialRecord,
    store: ImageStore,
    rows: npt.NDArray[np.int64],
    own: Path | None,
    progress: Callable[[int, int], None],
    *,
    allowed: bool,
) -> Overlap | None:
    """Compare a store with the parts of a study; None where those are not there and this is allowed."""
    try:
        ours = same_store(study, own)
        restore_split(study, ours, record)
        split = Split.load(study.split_path(record.split))
    except DataError as error:
        if allowed:
            return None
        raise DataError(
            "whether this set holds the study's own images cannot be seen",
            where=store.path,
            expected="the images and the split that the study was made with, to compare",
            found=str(error).rstrip("."),
            remedy="Name the study's image store with --study-data, or go on with --allow-overlap, which "
            "marks every figure as not compared",
        ) from error
    parts = {SEEN: np.concatenate([split.train.rows, split.validation.rows]), HELD_OUT: split.test.rows}
    overlap = find_overlap(store, rows, ours, parts, progress=progress)
    if overlap.images.any() and not allowed:
        raise DataError(
            "this set holds images or patients that the study was made with",
            where=store.path,
            expected="a set that shares neither with the study",
            found=overlap.told(),
            remedy="Prepare the set without them; give other patients of the same name other ids, such as "
            "with a prefix; or go on with --allow-overlap, which marks every figure",
        )
    return overlap
