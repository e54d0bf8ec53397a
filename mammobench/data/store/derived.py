"""Smaller copies of a store's images, made once and shared by all trials."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from filelock import FileLock

from mammobench.core.errors import DataError
from mammobench.core.files import write_json, written_aside
from mammobench.data.store.filenames import images_name
from mammobench.data.store.npy import HEADER_BYTES, read_chunks, read_header, write_header

INTERPOLATIONS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR}


def derived_images(native: Path, size: int, interpolation: str, *, fingerprint: str, verify: bool) -> Path:
    """Return the file of all images at a smaller size, made now when it is missing, stale or damaged.

    Several processes may ask at once: one makes the file, the others wait for it.

    Args:
        native: The native images, an ``.npy`` file of uint8 with shape (n, native size, native size).
        size: Side in pixels, smaller than native.
        interpolation: A key of `INTERPOLATIONS`.
        fingerprint: The store's; a file made from other images is made again.
        verify: Hash a file that is there and compare it with its checksum.

    Raises:
        DataError: When the interpolation is unknown or the store's folder cannot be written to.
    """
    if interpolation not in INTERPOLATIONS:
        raise DataError(
            "unknown interpolation",
            where="data.interpolation",
            expected=" or ".join(INTERPOLATIONS),
            found=interpolation,
        )
    path = native.with_name(images_name(size, interpolation))
    if _is_sound(path, native, size, fingerprint=fingerprint, verify=verify):
        return path
    try:
        with FileLock(path.with_name(f".{path.stem}.lock")):
            if not _is_sound(path, native, size, fingerprint=fingerprint, verify=verify):
                checksum = _make(native, path, size, interpolation)
                write_json(_note(path), {"fingerprint": fingerprint, "sha256": checksum})
    except OSError as error:
        raise DataError(
            f"cannot store the images at {size} pixels",
            where=path,
            expected="a store that can be written to, on a disk with room",
            found=error.strerror or str(error),
            remedy="Free some space, or copy the store to a folder of your own",
        ) from error
    return path


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _is_sound(path: Path, native: Path, size: int, *, fingerprint: str, verify: bool) -> bool:
    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        shape = read_header(path).shape
    except (OSError, ValueError):
        return False
    return (
        note.get("fingerprint") == fingerprint
        and shape == (read_header(native).shape[0], size, size)
        and (not verify or note.get("sha256") == _sha256(path))
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make(native: Path, path: Path, size: int, interpolation: str) -> str:
    flag = INTERPOLATIONS[interpolation]
    _note(path).unlink(missing_ok=True)
    with written_aside(path) as aside:
        with aside.open("wb") as file:
            file.write(bytes(HEADER_BYTES))
            count = 0
            for chunk in read_chunks(native):
                small = np.stack([cv2.resize(image, (size, size), interpolation=flag) for image in chunk])
                file.write(small.data)
                count += len(small)
            write_header(file, (count, size, size))
        return _sha256(aside)
