"""The page's section of explanations: test images beside their Grad-CAM heat maps."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import is_binary
from mammobench.data.splits.split import Split
from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.report import text
from mammobench.study.paths import page_command
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import EXPLANATIONS

LARGEST = 128
_STRONGEST = 0.6
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A test image, the same with its heat map, and the prediction.

    Attributes:
        name: The image's name in the store.
        caption: The predicted class, the true class and the probability.
        image: A PNG as a data URI.
        overlay: The same under its heat map.
    """

    name: str
    caption: str
    image: str
    overlay: str


@dataclass(frozen=True)
class Explanations:
    """Pictures by kind, such as true positives.

    Attributes:
        kinds: Heading and pictures of each kind.
        note: What they show and their limits; or why there are none.
        command: Makes them; empty where they are there.
    """

    kinds: tuple[tuple[str, tuple[Picture, ...]], ...]
    note: str
    command: str = ""


def selected_explanations(studies: Sequence[StudyRecord], board: Leaderboard) -> Explanations | None:
    """Return the section of the selected configuration; None before there is one."""
    row = board.selected
    if row is None:
        return None
    study = studies[board.studies.index(row["study"])] if "study" in row else studies[0]
    command = page_command("explain", study.folder)
    return explanations_of(study.trial_folder(int(row["trial"])), board.splits[row["split_hash"]], command)


def explanations_of(trial_folder: Path, split: Split, command: str) -> Explanations:
    """Lay out what ``mammobench explain`` left with a trial, or say how to make it.

    Args:
        trial_folder: Of the selected trial.
        split: Its split.
        command: That makes it.
    """
    path = trial_folder / EXPLANATIONS
    if not path.exists():
        return Explanations((), "Heat maps of the selected model have not been made yet.", command)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
        pictures = [_picture(found, place, split.class_names) for place in range(len(found["kind"]))]
        kinds = [str(kind) for kind in found["kind"]]
    except Exception:  # noqa: BLE001 - a damaged zip raises what its bytes happen to look like
        return Explanations((), f"{path.name} is damaged; this makes it again.", command)
    grouped = tuple(
        (f"{kind}s" if " " in kind else kind, tuple(_of_kind(pictures, kinds, kind)))
        for kind in dict.fromkeys(kinds)
    )
    note = (
        "Grad-CAM (Selvaraju et al. 2017) on the last feature maps: bright regions raise the score of the "
        "predicted class; each map is scaled by itself. Shown are the test images predicted with the highest "
        "confidence. A map shows where, not why, and is no proof that the model uses the lesion."
    )
    return Explanations(grouped, note)


def overlaid(image: Images, heat: Images) -> Images:
    """Colour an image by its heat map; where the map is 0 the image stays grey.

    Args:
        image: uint8 (size, size).
        heat: uint8 (size, size).

    Returns:
        uint8 (size, size, 3), blue first as OpenCV writes it.
    """
    colours = cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO).astype(np.float32)
    share = (heat.astype(np.float32) * (_STRONGEST / 255))[..., None]
    mixed = image[..., None].astype(np.float32) * (1 - share) + colours * share
    result: Images = np.rint(mixed).astype(np.uint8)
    return result


def _picture(found: dict[str, npt.NDArray[np.generic]], place: int, names: Sequence[str]) -> Picture:
    image, heat = (np.asarray(found[name][place], np.uint8) for name in ("images", "heat"))
    answer, target = int(found["answer"][place]), int(found["target"][place])
    of = names[1] if is_binary(len(names)) else names[answer]
    nowhere = "" if heat.any() else "; no region raises its score"
    caption = (
        f"predicted {names[answer]}, true class {names[target]}; "
        f"probability of {of} {text.score(float(found['probability'][place]))}{nowhere}"
    )
    return Picture(str(found["id"][place]), caption, _png(image), _png(overlaid(image, heat)))


def _of_kind(pictures: Sequence[Picture], kinds: Sequence[str], kind: str) -> list[Picture]:
    return [picture for picture, own in zip(pictures, kinds, strict=True) if own == kind]


def _png(image: Images) -> str:
    if image.shape[0] > LARGEST:
        image = np.asarray(cv2.resize(image, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA), np.uint8)
    _, encoded = cv2.imencode(".png", image)
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}"
