"""Explanations: Grad-CAM heat maps of a study's most confident test predictions, correct and wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mammobench.analysis.reproduction import exported_model, selected_trial
from mammobench.analysis.retraining import same_store
from mammobench.core.errors import StudyError
from mammobench.core.files import written_aside
from mammobench.data.splits.split import Split
from mammobench.evaluation.examples import EACH, Example, confident_examples
from mammobench.models.gradcam import Look, look
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import EXPLANATIONS
from mammobench.training.process import call_in_process


@dataclass(frozen=True)
class Explained:
    """The heat maps of a trial.

    Attributes:
        trial: The trial whose model was explained.
        path: Where the heat maps are kept.
        examples: The images that they are of.
        identifiers: Of the images, in the store.
    """

    trial: int
    path: Path
    examples: tuple[Example, ...]
    identifiers: tuple[str, ...]


def explain_study(
    study: StudyRecord,
    *,
    number: int | None = None,
    each: int = EACH,
    data: Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda *_: None,
) -> Explained:
    """Make Grad-CAM heat maps of the most confident test predictions; keep them as explanations.npz.

    The model is the exported one in ``best/``; a trial whose model is not there is reproduced first.

    Args:
        study: The study.
        number: The trial; None for the one that validation selected.
        each: How many true positives, false positives, false negatives and true negatives at most.
        data: The image store, if it is no longer where the search read it.
        on_epoch: Called after each epoch of a reproduction, as for `reproduce_trial`.

    Raises:
        DataError: When the store is missing or holds other images.
        StudyError: When there is no such trial, or the model was trained on another machine's backend.
        ReproductionError: When the trial is not reproduced.
    """
    record = selected_trial(study, number)
    store = same_store(study, data)
    split, config = Split.load(study.split_path(record.split)), record.config.data
    examples = confident_examples(record.folder, split, record.threshold, each=each)
    if not examples:
        raise StudyError("there are no test images to explain", where=record.folder)
    model = exported_model(study, record, data=data, on_epoch=on_epoch)
    rows = np.array([example.row for example in examples], np.int64)
    images = np.asarray(store.images(config.image_size, config.interpolation)[rows])
    answers = np.array([example.answer for example in examples], np.int64)
    seen = call_in_process(
        look, Look(model, images, config.intensity, record.threshold, heat=True, answers=answers)
    )
    assert seen.heat is not None  # noqa: S101 - asked for
    identifiers = tuple(str(store.index["id"][row]) for row in rows)
    path = record.folder / EXPLANATIONS
    with written_aside(path) as aside:
        np.savez_compressed(
            aside, allow_pickle=False, kind=np.array([example.kind for example in examples]), row=rows,
            id=np.array(identifiers), probability=np.array([example.probability for example in examples]),
            target=np.array([example.target for example in examples]), answer=answers, images=images,
            heat=seen.heat,
        )  # fmt: skip
    return Explained(record.number, path, examples, identifiers)
