"""`ImageStore`: images decoded once, memory-mapped, shared by all trials, and tied to a fingerprint."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.core.errors import DataError
from mammobench.data.store.derived import derived_images
from mammobench.data.store.duplicates import identical_pictures
from mammobench.data.store.filenames import INDEX, MANIFEST, images_name
from mammobench.data.store.manifest import OPTIONAL_COLUMNS, Manifest, fingerprint, pixel_hash, read_manifest
from mammobench.data.store.npy import read_chunks, read_header


@dataclass(frozen=True, eq=False)
class ImageStore:
    """A folder of square grey images with an index; open one with `ImageStore.open`.

    Attributes:
        path: The folder.
        manifest: Counts, source, licence, citations and warnings.
        index: One row an image: id, label (0 to 4), lesion_type, pathology, source_file, source_row, patient,
            laterality, view, group (the unit that a split must not cut), split (``train``, ``test``, or
            ``validation`` where the source has that part), pixel_hash; density, subtlety, assessment, lesion
            and film as in `Row`. Unknown values are missing (`pandas.NA`).
        verified: Whether the pixels were compared with their hashes when the store was opened.
    """

    path: Path
    manifest: Manifest
    index: pd.DataFrame = field(repr=False)
    verified: bool

    @classmethod
    def open(cls, path: Path, *, verify: bool = True) -> Self:
        """Open a store.

        Args:
            path: The store's folder.
            verify: Hash every image again and compare; about a second for 10,000 images of 299 pixels.
                Without it only the index is compared with the fingerprint.

        Raises:
            DataError: When `path` is no store, or its images or index were changed after it was made.
        """
        path = Path(path)
        manifest = read_manifest(path / MANIFEST)
        index = _read_index(path / INDEX, manifest)
        store = cls(path, manifest, index, verify)
        store._check_shape()
        if verify:
            store._check_pixels()
        return store

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the pixels, labels, patients, groups and splits of all rows."""
        return self.manifest.fingerprint

    def __len__(self) -> int:
        return len(self.index)

    def images(self, size: int, interpolation: str = "area") -> npt.NDArray[np.uint8]:
        """Return all images at one size.

        Args:
            size: Side in pixels, at most the native one. A smaller size is derived once and kept.
            interpolation: ``area`` (mean of the covered pixels) or ``bilinear``.

        Returns:
            uint8 of shape (n, size, size), a read-only memory map.

        Raises:
            DataError: When `size` is larger than native, or the store cannot be written to.
        """
        if size > self.manifest.image_size:
            raise DataError(
                "images are never enlarged",
                where=self.path,
                expected=f"data.image_size of at most {self.manifest.image_size}",
                found=size,
                remedy="Choose a smaller data.image_size",
            )
        path = self._native
        if size < self.manifest.image_size:
            path = derived_images(
                path, size, interpolation, fingerprint=self.fingerprint, verify=self.verified
            )
        images: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
        return images

    @cached_property
    def identical(self) -> npt.NDArray[np.int64]:
        """Number of the picture that an image shares with others, pixel for pixel, int64 (n,).

        -1 for an image that stands once, and for constant ones: see `mammobench.data.store.duplicates`.
        """
        # an index that was put together by hand may lack the hashes
        if "pixel_hash" not in self.index:
            return np.full(len(self), -1, dtype=np.int64)
        return identical_pictures(self.index["pixel_hash"], self._image)

    def _image(self, row: int) -> npt.NDArray[np.uint8]:
        return np.array(self.images(self.manifest.image_size)[row])

    @property
    def _native(self) -> Path:
        return self.path / images_name(self.manifest.image_size)

    def _check_shape(self) -> None:
        size = self.manifest.image_size
        expected = f"uint8 of shape {(len(self), size, size)}"
        try:
            header = read_header(self._native)
            found = f"{header.dtype} of shape {header.shape}"
        except (OSError, ValueError) as error:
            found = str(error)
        if found != expected:
            raise DataError(
                "the images do not fit the index",
                where=self._native,
                expected=expected,
                found=found,
                remedy="Prepare the store again",
            )

    def _check_pixels(self) -> None:
        row = 0
        hashes = self.index["pixel_hash"].tolist()
        for chunk in read_chunks(self._native):
            for image in chunk:
                found = pixel_hash(image)
                if found != hashes[row]:
                    raise DataError(
                        "the images were changed after the store was made",
                        where=f"{self._native}, row {row} ({self.index['id'][row]})",
                        expected=f"pixel hash {hashes[row]}",
                        found=found,
                        remedy="Prepare the store again, or restore the file from a backup",
                    )
                row += 1


def _read_index(path: Path, manifest: Manifest) -> pd.DataFrame:
    try:
        index = pd.read_parquet(path)
        found = fingerprint(index)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            "the index cannot be read",
            where=path,
            expected="the index of an image store",
            found=str(error).splitlines()[0],
            remedy="Prepare the store again",
        ) from error
    if found != manifest.fingerprint:
        raise DataError(
            "the index was changed after the store was made",
            where=path,
            expected=f"fingerprint {manifest.fingerprint}",
            found=found,
            remedy="Prepare the store again, or restore the file from a backup",
        )
    for name, dtype in OPTIONAL_COLUMNS.items():
        if name not in index:
            index[name] = pd.Series(pd.NA, index=index.index, dtype=dtype)
    return index
