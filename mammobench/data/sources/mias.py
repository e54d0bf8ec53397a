"""mini-MIAS: 322 films of 161 women, with the place and size of every lesion."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import ClassVar

import cv2
import numpy as np

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.images.patches import TISSUE, Cutter, Mask
from mammobench.data.images.pictures import Pixels, read_picture, white_of
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.citations import Citation
from mammobench.data.sources.mias_info import FILM_NAME, FILM_SIZE, Film, Lesion, read_info
from mammobench.data.splits.draw import TEST_SHARE, draw_test
from mammobench.data.store.records import Chunk, Images, Provenance, Row

INFO = "Info.txt"
WINDOW = 150  # pixels of 0.2 mm, 30 mm, as wide as the patches of the Kaggle set
SUFFIXES = (".pgm", ".png")


class MiasSource:
    """Cuts lesions and background from the films of mini-MIAS.

    Args:
        archive: The folder or zip.
        options: How patches are cut.

    Attributes:
        image_size: 299 unless ``options.size`` says otherwise.
        total: About how many patches there will be.
        warnings: Complete when `chunks` is exhausted.

    Raises:
        DataError: When Info.txt or a film that it names is missing, or a line is not understood.
    """

    name: ClassVar[str] = "mini-mias"
    looks_for: ClassVar[str] = "Info.txt and mdb001.pgm (or .png) to mdb322 (mini-MIAS)"
    provenance: ClassVar[Provenance] = Provenance(
        source="mini-MIAS, patches cut from whole films",
        synthetic=False,
        licence="mini-MIAS: for research purposes only; must be referenced; see Licence.txt",
        citations=(Citation.MIAS.value,),
    )
    takes: ClassVar[frozenset[str]] = frozenset({"size", "crops", "tiles", "jitter", "seed"})

    def __init__(self, archive: Archive, options: PrepareOptions) -> None:
        self.archive = archive
        self.warnings: list[str] = []
        self._cutter = Cutter.of(options, self.name, WINDOW)
        self.image_size = self._cutter.size
        info = archive.find(INFO)
        if info is None:
            raise DataError(
                "mini-MIAS is not complete",
                where=archive.path,
                expected=f"{INFO}, which says what the films show",
                found="films alone",
                remedy="Download or unpack the set again",
            )
        with archive.open(info) as path:
            self._films = read_info(path, info)
        self._files = self._find_films(info)
        lesions = sum(len(film.lesions) for film in self._films)
        self.total = lesions * self._cutter.crops + len(self._films) * self._cutter.tiles
        self._splits = draw_test(self._patients(), self.name, self._cutter.seed)

    @classmethod
    def recognises(cls, archive: Archive) -> bool:
        """Whether a file has the name of a film."""
        return any(_film_of(file) for file in archive.sizes)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the patches of one film after the other, lesions first.

        Raises:
            DataError: When a film does not decode or has another size.
        """
        counts: Counter[str] = Counter()
        for film in self._films:
            file = self._files[film.name]
            with self.archive.open(file) as path:
                pixels = read_picture(path, file)
            if pixels.shape != (FILM_SIZE, FILM_SIZE):
                raise DataError(
                    "the film has another size",
                    where=file,
                    expected=f"{FILM_SIZE} x {FILM_SIZE} pixels",
                    found=f"{pixels.shape[1]} x {pixels.shape[0]}",
                    remedy="Use the films as they were published",
                )
            placed = [lesion for lesion in film.lesions if _shows_breast(pixels, lesion)]
            counts["in air"] += len(film.lesions) - len(placed)
            counts["unplaced"] += film.unplaced
            # a lesion that is somewhere on the film may be on any tile of it
            whole = len(placed) == len(film.lesions) and not film.unplaced
            chunk = self._patches(film, placed, file, pixels, with_background=whole)
            counts["short"] += whole and sum(row.label == 0 for row in chunk.rows) < self._cutter.tiles
            counts["without"] += not whole
            if chunk.rows:
                yield chunk
        self._warn(counts)

    def _patches(
        self, film: Film, lesions: list[Lesion], file: str, pixels: Pixels, *, with_background: bool
    ) -> Chunk:
        images: list[Images] = []
        rows: list[Row] = []
        background = Row(
            0,
            file,
            source_row=0,
            split=self._splits[film.patient],
            patient=film.patient,
            group=film.patient,
            laterality=film.laterality,
            view="MLO",
            density=film.density,
            film=film.name,
        )
        there = np.zeros(pixels.shape, dtype=np.bool_)
        for lesion in lesions:
            there |= _circle(lesion)
            images.append(self._cutter.lesion(pixels, (lesion.y, lesion.x), lesion.radius, lesion.name))
            rows += [
                replace(background, label=int(lesion.label), source_row=len(rows) + crop, lesion=lesion.name)
                for crop in range(len(images[-1]))
            ]
        if with_background:
            images.append(self._cutter.background(pixels, there, film.name))
            rows += [replace(background, source_row=len(rows) + tile) for tile in range(len(images[-1]))]
        empty = np.zeros((0, self.image_size, self.image_size), dtype=np.uint8)
        return Chunk(np.concatenate([empty, *images]), rows)

    def _find_films(self, info: str) -> dict[str, str]:
        files = {name: file for file in self.archive.sizes if (name := _film_of(file))}
        for film in self._films:
            if film.name not in files:
                raise DataError(
                    "a film is missing",
                    where=f"{info}, line {film.line}",
                    expected=f"{film.name}.pgm or {film.name}.png in {self.archive.path}",
                    found=f"{len(files)} other films",
                    remedy="Download or unpack the set again",
                )
        return files

    def _patients(self) -> dict[str, int]:
        highest: dict[str, int] = {}
        for film in self._films:
            labels = [int(lesion.label) for lesion in film.lesions]
            highest[film.patient] = max([highest.get(film.patient, 0), *labels])
        return highest

    def _warn(self, counts: Counter[str]) -> None:
        self.warnings.append(self._cutter.recipe)
        self.warnings.append(
            f"mini-MIAS has no split of its own: {TEST_SHARE:.0%} of the patients (pairs of films) were "
            f"drawn for test, stratified by their lesions, with seed {self._cutter.seed}."
        )
        self.warnings.append("Architectural distortions and asymmetries count as masses.")
        if counts["without"]:
            self.warnings.append(
                f"{counts['unplaced']} lesions without a place in Info.txt and {counts['in air']} whose "
                "place is outside the breast were left out, with the background of their "
                f"{counts['without']} films."
            )
        if counts["short"]:
            self.warnings.append(f"{counts['short']} films had room for fewer background tiles.")
        if self.image_size > WINDOW:
            self.warnings.append(
                f"Patches were enlarged from {WINDOW} to {self.image_size} pixels (Lanczos)."
            )


def _film_of(file: str) -> str | None:
    path = PurePosixPath(file)
    return path.stem if path.suffix in SUFFIXES and FILM_NAME.fullmatch(path.stem) else None


def _circle(lesion: Lesion) -> Mask:
    circle = np.zeros((FILM_SIZE, FILM_SIZE), dtype=np.uint8)
    cv2.circle(circle, (round(lesion.x), round(lesion.y)), int(np.ceil(lesion.radius)), 1, cv2.FILLED)
    return circle > 0


def _shows_breast(pixels: Pixels, lesion: Lesion) -> bool:
    return bool((pixels[_circle(lesion)] > TISSUE * white_of(pixels)).any())
