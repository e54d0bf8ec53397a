"""CBIS-DDSM from TCIA: whole films as DICOM, masks of their lesions, and four tables."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import cv2
import numpy as np

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.images.patches import Cutter, Mask
from mammobench.data.images.pictures import Pixels
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.cbis_tables import CASE, PUBLISHED_ROWS, TABLES, Abnormality, read_tables
from mammobench.data.sources.citations import Citation
from mammobench.data.store.records import Chunk, Images, Provenance, Row

WINDOW = 598  # pixels of about 0.05 mm, 30 mm, as in the Kaggle set
SAME_PROPORTIONS = 0.02


class CbisSource:
    """Cuts lesions and background from the films of CBIS-DDSM, one film in memory at a time.

    Args:
        archive: The folder or zip with the tables and the DICOM files.
        options: How patches are cut.

    Attributes:
        image_size: 299 unless ``options.size`` says otherwise.
        total: About how many patches there will be.
        warnings: Complete when `chunks` is exhausted.

    Raises:
        DataError: When a table is missing or not understood, or a row's files are missing.
    """

    name: ClassVar[str] = "cbis-ddsm"
    looks_for: ClassVar[str] = "{mass,calc}_case_description_{train,test}_set.csv and DICOM files (CBIS-DDSM)"
    provenance: ClassVar[Provenance] = Provenance(
        source="CBIS-DDSM (TCIA), patches cut from whole films",
        synthetic=False,
        licence="CBIS-DDSM: CC BY 3.0",
        citations=tuple(
            citation.value
            for citation in (Citation.DDSM, Citation.CBIS_DDSM_PAPER, Citation.CBIS_DDSM, Citation.TCIA)
        ),
    )
    takes: ClassVar[frozenset[str]] = frozenset({"size", "crops", "tiles", "jitter", "seed"})

    def __init__(self, archive: Archive, options: PrepareOptions) -> None:
        # imported here: pydicom costs half a second, which other sources need not wait for
        from mammobench.data.sources.cbis_files import CaseFiles

        self.archive = archive
        self.warnings: list[str] = []
        self._cutter = Cutter.of(options, self.name, WINDOW)
        self.image_size = self._cutter.size
        self._rows = read_tables(archive)
        self._files = CaseFiles(archive)
        self._files.check(self._rows)
        self._films: dict[str, list[Abnormality]] = {}
        for row in sorted(self._rows, key=lambda row: (row.film, row.film_case, row.lesion)):
            self._films.setdefault(row.film, []).append(row)
        self.total = len(self._rows) * self._cutter.crops + len(self._films) * self._cutter.tiles

    @classmethod
    def recognises(cls, archive: Archive) -> bool:
        """Whether there is one of the tables or the folder of a case."""
        folders = {part for file in archive.sizes for part in file.split("/")[:-1]}
        return any(archive.find(name) for name in TABLES) or any(map(CASE.fullmatch, folders))

    def chunks(self) -> Iterator[Chunk]:
        """Yield the patches of one film after the other, lesions first.

        Raises:
            DataError: When a DICOM file is damaged or not what the tables say; names the file or the row.
        """
        counts: Counter[str] = Counter()
        shared = shared_patients(self._rows)
        for rows in self._films.values():
            chunk = self._film(rows, counts)
            counts["of shared"] += sum(row.split == "train" and row.patient in shared for row in chunk.rows)
            yield chunk
        self._warn(counts, len(shared))

    def _film(self, rows: list[Abnormality], counts: Counter[str]) -> Chunk:
        """Cut the patches of one film, which may stand there as a mass case and as a calcification case."""
        images: list[Images] = [np.zeros((0, self.image_size, self.image_size), dtype=np.uint8)]
        known: list[Row] = []
        first: Pixels | None = None
        lesions: Mask | None = None
        same = placed = True
        files: dict[str, str] = {}
        for case in dict.fromkeys(row.film_case for row in rows):
            of_case = [row for row in rows if row.film_case == case]
            files[case], film = self._read_film(of_case[0])
            if first is None or lesions is None:
                first, lesions = film, np.zeros(film.shape, dtype=np.bool_)
            elif not np.array_equal(first, film):
                same = False
            for row in of_case:
                mask = self._read_mask(row, film, counts)
                if mask is None:
                    placed = False
                    continue
                if same:
                    lesions |= mask
                centre, radius = _extent(mask)
                images.append(self._cutter.lesion(film, centre, radius, row.lesion))
                counts["large"] += 2 * radius > WINDOW
                template = _row(row, files[case])
                known += [replace(template, source_row=len(known) + crop) for crop in range(len(images[-1]))]
        # a lesion without a place may be anywhere, and so may those of another film of the view
        if same and placed and first is not None and lesions is not None:
            images.append(self._cutter.background(first, lesions, rows[0].film))
            counts["short"] += len(images[-1]) < self._cutter.tiles
            of_test = next((row for row in rows if row.split == "test"), rows[0])
            template = replace(
                _row(of_test, files[of_test.film_case]),
                label=0,
                subtlety=None,
                assessment=None,
                lesion=None,
            )
            known += [replace(template, source_row=len(known) + tile) for tile in range(len(images[-1]))]
        counts["different"] += not same
        return Chunk(np.concatenate(images), known)

    def _read_film(self, row: Abnormality) -> tuple[str, Pixels]:
        from mammobench.data.sources.cbis_dicom import read_film

        file, _ = self._files.film(row)
        with self.archive.open(file) as path:
            film = read_film(path, file)
        if min(film.shape) < WINDOW:
            raise DataError(
                "the film is smaller than a patch",
                where=file,
                expected=f"{WINDOW} x {WINDOW} pixels or more",
                found=f"{film.shape[1]} x {film.shape[0]}",
                remedy="Use the files as TCIA publishes them",
            )
        return file, film

    def _read_mask(self, row: Abnormality, film: Pixels, counts: Counter[str]) -> Mask | None:
        """Return the mask at the film's size; None where its proportions are others, as of some at TCIA."""
        from mammobench.data.sources.cbis_dicom import read_mask

        height, width = film.shape
        file = self._files.mask(row, (height, width))
        with self.archive.open(file) as path:
            mask = read_mask(path, file)
        if mask.shape == film.shape:
            return mask
        ratio = (mask.shape[0] / mask.shape[1]) / (height / width)
        if abs(ratio - 1) > SAME_PROPORTIONS:
            counts["unfit"] += 1
            return None
        counts["resized"] += 1
        resized = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(resized > 0)

    def _warn(self, counts: Counter[str], shared: int) -> None:
        say = self.warnings.append
        say(self._cutter.recipe)
        say("Grey values of 16 bits became 8 by one rule for all films, value / 257, rounded.")
        if shared:
            say(
                f"{shared} patients stand in training and test tables: a clean split leaves their "
                f"{counts['of shared']:,} training images out."
            )
        if counts["different"]:
            say(f"{counts['different']} views have two different films: no background was cut from them.")
        if counts["unfit"]:
            say(
                f"{counts['unfit']} lesions were left out, with the background of their films: their masks "
                "have other proportions than the film."
            )
        if counts["short"]:
            say(f"{counts['short']} films had room for fewer background tiles.")
        if counts["large"]:
            say(f"{counts['large']} lesions are larger than a patch, which shows their middle.")
        if self._files.swapped:
            say(f"{self._files.swapped} masks lay where the tables have the crop, and were found.")
        if counts["resized"]:
            say(f"{counts['resized']} masks had another size than their film and were resized to it.")
        if len(self._rows) != PUBLISHED_ROWS:
            say(f"{len(self._rows):,} abnormalities instead of the published {PUBLISHED_ROWS:,}.")


def shared_patients(rows: list[Abnormality]) -> set[str]:
    """Return the patients who stand in training and test tables."""
    train = {row.patient for row in rows if row.split == "train"}
    return train & {row.patient for row in rows if row.split == "test"}


def _row(row: Abnormality, file: str) -> Row:
    return Row(
        int(row.label),
        file,
        source_row=0,
        split=row.split,
        patient=row.patient,
        group=row.patient,
        laterality=row.laterality,
        view=row.view,
        density=row.density,
        subtlety=row.subtlety,
        assessment=row.assessment,
        lesion=row.lesion,
        film=row.film,
    )


def _extent(mask: Mask) -> tuple[tuple[float, float], float]:
    """Return centre (row, column) and half of the greater side of the box around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    centre = ((rows[0] + rows[-1] + 1) / 2, (columns[0] + columns[-1] + 1) / 2)
    return centre, float(max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1) / 2
