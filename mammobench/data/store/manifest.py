"""The manifest of an image store, and the fingerprint that ties it to its pixels."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from mammobench.core.errors import DataError
from mammobench.data.store.filenames import INDEX, MANIFEST
from mammobench.data.store.labels import Label
from mammobench.data.store.records import Images

# what the first stores lacked; a store without them is read as one where nothing of it is known
OPTIONAL_COLUMNS = {
    "density": "string",
    "subtlety": "Int64",
    "assessment": "Int64",
    "lesion": "string",
    "film": "string",
}
INDEX_COLUMNS = {
    "id": "string",
    "label": "int64",
    "lesion_type": "string",
    "pathology": "string",
    "source_file": "string",
    "source_row": "int64",
    "patient": "string",
    "laterality": "string",
    "view": "string",
    "group": "string",
    "split": "string",
    "pixel_hash": "string",
    **OPTIONAL_COLUMNS,
}


class Manifest(BaseModel):
    """What ``manifest.json`` says about a store.

    Attributes:
        format: Version of the store's layout.
        fingerprint: SHA-256 over (pixel_hash, label, patient, group, split) of every row in order.
        counts: ``images``, ``train``, ``validation`` where the source has such a part, ``test``, ``patients``
            and one count a label.
        image_size: Side of the native images, in pixels.
        source: One line that names the data set.
        synthetic: True when no image shows a person.
        licence: Under which terms the images may be used.
        citations: What any work that uses the images must cite.
        warnings: What a reader of results from this store must know.
        versions: Of Python and of the packages that wrote the store.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    fingerprint: str
    counts: dict[str, int]
    image_size: int
    source: str
    synthetic: bool
    licence: str
    citations: list[str]
    warnings: list[str]
    versions: dict[str, str]


def read_manifest(path: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        DataError: When it is missing or not a manifest of this version.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(
            "no image store",
            where=path.parent,
            expected=f"a folder with {MANIFEST}, {INDEX} and the images",
            found=f"an unreadable {MANIFEST}" if path.exists() else _folder_state(path.parent),
            remedy="Make one with `mammobench data prepare` or `mammobench data phantom`",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            "not the manifest of an image store that this version reads",
            where=path,
            expected=f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {first['msg']}",
            remedy="Prepare the store again",
        ) from error


def _folder_state(folder: Path) -> str:
    return f"a folder without {MANIFEST}" if folder.is_dir() else "no such folder"


def pixel_hash(image: Images) -> str:
    """Hash the pixels of one image: the first 32 hex digits of their SHA-256."""
    return hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()[:32]


def fingerprint(index: pd.DataFrame) -> str:
    """SHA-256 over what decides a result: pixels, label, patient, group and split of every row in order."""
    digest = hashlib.sha256()
    columns = [index[name].tolist() for name in ("pixel_hash", "label", "patient", "group", "split")]
    for row in zip(*columns, strict=True):
        digest.update("\x1f".join("" if pd.isna(value) else str(value) for value in row).encode() + b"\n")
    return digest.hexdigest()


def count(index: pd.DataFrame) -> dict[str, int]:
    """Count images, splits, patients and labels."""
    splits = {split: int((index["split"] == split).sum()) for split in ("train", "validation", "test")}
    if not splits["validation"]:
        del splits["validation"]
    return {
        "images": len(index),
        **splits,
        "patients": int(index["patient"].nunique()),
        **{label.title: int((index["label"] == label).sum()) for label in Label},
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose behaviour reaches the pixels."""
    packages = ("mammobench", "numpy", "opencv-python-headless", "pillow", "pydicom")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
