"""Predictions of image files by a study's model: probabilities, decisions and heat maps."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mammobench.analysis.reproduction import exported_model, selected_trial
from mammobench.core.errors import ConfigError, DataError, MammobenchError
from mammobench.core.files import written_aside
from mammobench.data.sources.loose import find_images, read_patch
from mammobench.data.splits.tasks import get_task
from mammobench.data.store.records import Images
from mammobench.models.gradcam import Look, look
from mammobench.report.explanations import overlaid
from mammobench.space.config import TrialConfig
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import CONFIG
from mammobench.training.process import call_in_process

NOTICE = "Research software, not a medical device: no basis for a diagnosis or any decision about a person."
SYNTHETIC = "The model was trained on synthetic images; its predictions of real mammograms have no meaning."
_SMALLEST_PICTURE = 256


@dataclass(frozen=True)
class Model:
    """A model and what is needed to use it as its study did.

    Attributes:
        path: The ``.keras`` file.
        name: Whose it is.
        config: Its configuration.
        threshold: Chosen on validation; None for more than two classes.
        native: Side of the images in its study's store.
        synthetic: Whether it was trained on synthetic images.
    """

    path: Path
    name: str
    config: TrialConfig
    threshold: float | None
    native: int
    synthetic: bool

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of its task."""
        return get_task(self.config.data.task).class_names


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of one image.

    Attributes:
        file: The image.
        probabilities: Class to probability; empty for an image that cannot be read.
        decision: The class at the threshold, or for more than two classes the most probable one; empty for an
            image that cannot be read.
        note: What was done to the image, in words.
        overlay: The image under its heat map for the decision, uint8 (size, size, 3), blue first; None where
            not asked for, and for an image that cannot be read.
        error: Why the image cannot be read; None where it was predicted.
    """

    file: Path
    probabilities: dict[str, float]
    decision: str
    note: str
    overlay: Images | None
    error: str | None = None


def model_of_study(
    study: StudyRecord,
    *,
    number: int | None = None,
    data: Path | None = None,
    on_epoch: Callable[[int, int], None] = lambda *_: None,
) -> Model:
    """Return the exported model of a study's selected trial (or that of a number), reproduced if need be.

    Raises:
        StudyError: When there is no such trial.
        DataError: When the store that a reproduction needs is missing or holds other images.
        ReproductionError: When the trial is not reproduced.
    """
    record = selected_trial(study, number)
    store = study.spec.store
    return Model(
        path=exported_model(study, record, data=data, on_epoch=on_epoch),
        name=f"trial {record.number} of {study.spec.name}",
        config=record.config,
        threshold=record.threshold,
        native=int(store.get("image_size", record.config.data.image_size)),
        synthetic=bool(store.get("synthetic")),
    )


def model_of_file(path: Path) -> Model:
    """Return a model that `mammobench reproduce` exported, by its file; config.json lies beside it.

    Raises:
        ConfigError: When that is missing or damaged.
    """
    described = path.with_name(CONFIG)
    remedy = f"Keep {CONFIG} beside the model, or name the study; `mammobench reproduce` writes both"
    if not path.is_file():
        raise ConfigError("no such model", where=path, expected="a .keras file, or a study", remedy=remedy)
    try:
        values = json.loads(described.read_text(encoding="utf-8"))
        config = TrialConfig.model_validate(values["config"])
        threshold = None if values["threshold"] is None else float(values["threshold"])
        return Model(
            path=path,
            name=f"trial {values['trial']} of {values.get('study', 'a study')}",
            config=config,
            threshold=threshold,
            native=int(values.get("native_size") or config.data.image_size),
            synthetic=bool(values.get("synthetic", False)),
        )
    except FileNotFoundError:
        raise ConfigError("the description of the model is missing", where=described, remedy=remedy) from None
    except (ValueError, KeyError, TypeError, OSError, MammobenchError) as error:
        raise ConfigError(
            "the description of the model is damaged",
            where=described,
            expected="config, trial and threshold as `mammobench reproduce` writes them",
            found=(str(error) or type(error).__name__).splitlines()[0],
            remedy="Reproduce the study again",
        ) from error


def predict_files(
    model: Model,
    images: Sequence[Path],
    *,
    heat: bool = False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Prediction, ...]:
    """Predict image files; one that cannot be read is answered with its error, and the others are predicted.

    Args:
        model: From `model_of_study` or `model_of_file`.
        images: Files (png, jpg, tif, pgm, bmp, DICOM), and folders of them.
        heat: Whether to make heat maps of the decisions.
        progress: Called with how many files have been read, and how many there are.

    Returns:
        One for each file, in order.

    Raises:
        DataError: When a file is missing, or a folder holds no image.
        ConfigError: For a model that Keras refuses, or of other images or classes.
    """
    files = find_images(images)
    data = model.config.data
    read: dict[Path, tuple[Images, str]] = {}
    errors: dict[Path, str] = {}
    for done, file in enumerate(files, start=1):
        try:
            read[file] = read_patch(
                file, data.image_size, native=model.native, interpolation=data.interpolation
            )
        except DataError as error:
            errors[file] = str(error)
        progress(done, len(files))
    seen = _predicted(model, read, heat=heat) if read else {}
    return tuple(seen.get(file) or Prediction(file, {}, "", "", None, errors[file]) for file in files)


def _predicted(
    model: Model, read: Mapping[Path, tuple[Images, str]], *, heat: bool
) -> dict[Path, Prediction]:
    data = model.config.data
    patches = np.stack([patch for patch, _ in read.values()])
    names = model.class_names
    asked = Look(model.path.resolve(), patches, data.intensity, model.threshold, heat, classes=len(names))
    seen = call_in_process(look, asked)
    if not np.isfinite(seen.probabilities).all():
        raise ConfigError(
            "the model gives no probabilities",
            where=model.path,
            expected="numbers of 0 to 1",
            found="values that are none (NaN)",
            remedy="Reproduce the study again",
        )
    shares = (
        np.stack([1 - seen.probabilities, seen.probabilities], axis=1)
        if seen.probabilities.ndim == 1
        else seen.probabilities
    )
    return {
        file: Prediction(
            file,
            {name: float(share) for name, share in zip(names, shares[place], strict=True)},
            names[seen.answers[place]],
            note,
            None if seen.heat is None else overlaid(patch, seen.heat[place]),
        )
        for place, (file, (patch, note)) in enumerate(read.items())
    }


def write_overlays(predictions: Sequence[Prediction], folder: Path) -> tuple[Path, ...]:
    """Write the heat maps as PNG files named after the images, at least 256 px wide.

    Raises:
        DataError: When `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("heat maps need a folder", where=folder, expected="a folder", found="a file")
    written: list[Path] = []
    for prediction in predictions:
        if prediction.overlay is None:
            continue
        path, number = folder / f"{prediction.file.stem}.png", 1
        while path in written:
            number += 1
            path = folder / f"{prediction.file.stem}-{number}.png"
        picture = prediction.overlay
        if picture.shape[0] < _SMALLEST_PICTURE:
            wide = (_SMALLEST_PICTURE, _SMALLEST_PICTURE)
            picture = np.asarray(cv2.resize(picture, wide, interpolation=cv2.INTER_CUBIC), np.uint8)
        _, encoded = cv2.imencode(".png", picture)
        with written_aside(path) as aside:
            aside.write_bytes(encoded.tobytes())
        written.append(path)
    return tuple(written)
