"""CBIS-DDSM on a small scale: four tables and DICOM files in TCIA's folders, damaged as tests please."""

import csv
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

HEIGHT, WIDTH = 1700, 1300
TISSUE, BRIGHT = 20_000, 60_000
COLUMNS = [
    "patient_id",
    "breast_density",
    "left or right breast",
    "image view",
    "abnormality id",
    "abnormality type",
    "assessment",
    "pathology",
    "subtlety",
    "image file path",
    "cropped image file path",
    "ROI mask file path",
]
Box = tuple[int, int, int, int]


@dataclass
class Case:
    """One abnormality: where it lies on its film as (top, left, height, width), and how its files lie."""

    kind: str
    split: str
    patient: str
    number: int = 1
    pathology: str = "MALIGNANT"
    box: Box = (300, 500, 120, 100)
    side: str = "LEFT"
    view: str = "CC"
    density: str = "3"
    subtlety: str = "4"
    described: bool = True
    swapped: bool = False
    film_seed: int = 0

    @property
    def film_case(self) -> str:
        kind = {"mass": "Mass", "calcification": "Calc"}[self.kind]
        split = {"train": "Training", "test": "Test"}[self.split]
        return f"{kind}-{split}_{self.patient}_{self.side}_{self.view}"

    @property
    def table(self) -> str:
        return f"{self.kind[:4]}_case_description_{self.split}_set.csv"


CASES = [
    Case("mass", "train", "P_00001"),
    Case("mass", "train", "P_00001", number=2, box=(1400, 900, 60, 80), pathology="BENIGN_WITHOUT_CALLBACK"),
    Case("mass", "test", "P_00016", pathology="BENIGN", described=False, swapped=True, density="0"),
    Case("calcification", "train", "P_00005", side="RIGHT", view="MLO", swapped=True),
    Case("calcification", "test", "P_00038", pathology="BENIGN", described=False, subtlety="0"),
    # one film in two cases, of training and of test
    Case("mass", "train", "P_00100", box=(100, 600, 100, 100)),
    Case("calcification", "test", "P_00100", box=(1500, 600, 100, 100)),
]


@dataclass
class CbisLayout:
    """The layout in a folder.

    Attributes:
        folder: Where it is written to.
        renamed: Use the inner folders of newer downloads, by date and description.
        cases: What is there.
    """

    folder: Path
    renamed: bool = False
    cases: list[Case] = field(default_factory=lambda: list(CASES))

    def write(self) -> "CbisLayout":
        tables: dict[str, list[list[str]]] = {
            f"{kind}_case_description_{split}_set.csv": []
            for kind in ("mass", "calc")
            for split in ("train", "test")
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        films: dict[str, str] = {}
        for case in self.cases:
            if case.film_case not in films:
                films[case.film_case] = self._write_film(case)
            tables[case.table].append(self._write_abnormality(case, films[case.film_case]))
        for name, rows in tables.items():
            self.write_table(name, rows)
        return self

    def write_table(self, name: str, rows: list[list[str]]) -> None:
        columns = [
            column.replace("_", " ") if name.startswith("calc") and "density" in column else column
            for column in COLUMNS
        ]
        with (self.folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])

    def files(self, case: str) -> list[Path]:
        return sorted((self.folder / "manifest-1" / "CBIS-DDSM" / case).rglob("*.dcm"))

    def _write_film(self, case: Case) -> str:
        film = np.full((HEIGHT, WIDTH), TISSUE, dtype=np.uint16)
        film += np.random.default_rng(case.film_seed).integers(0, 50, film.shape, dtype=np.uint16)
        film[:, :150] = 0
        key = (case.patient, case.side, case.view)
        for other in self.cases:
            if (other.patient, other.side, other.view) == key:
                top, left, height, width = other.box
                film[top : top + height, left : left + width] = BRIGHT
        return self._place(case.film_case, "full mammogram images", film, 0)

    def _write_abnormality(self, case: Case, film: str) -> list[str]:
        top, left, height, width = case.box
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        mask[top : top + height, left : left + width] = 255
        crop = np.full((height, width), BRIGHT, dtype=np.uint16)
        name = f"{case.film_case}_{case.number}"
        images: list[tuple[str, npt.NDArray[np.generic]]] = [
            ("cropped images", crop),
            ("ROI mask images", mask),
        ]
        paths = []
        # the tables have the crop first; in a swapped case the file of that name is the mask
        for number, (description, image) in enumerate(images[::-1] if case.swapped else images):
            paths.append(self._place(name, description if case.described else "", image, number))
        row = [case.patient, case.density, case.side, case.view, str(case.number), case.kind, "4"]
        return [*row, case.pathology, case.subtlety, film, paths[0] + "\n", paths[1]]

    def _place(self, case: str, description: str, image: npt.NDArray[np.generic], number: int) -> str:
        uid = f"1.3.6.{zlib.crc32(case.encode())}"
        told = f"{case}/{uid}.1/{uid}.2/{number:06d}.dcm"
        inner = f"07-20-2016-DDSM-NA-{30678 + number}/1.000000-{description or 'NA'}-24515"
        there = f"{case}/{inner}/1-{number + 1}.dcm" if self.renamed else told
        write_dicom(
            self.folder / "manifest-1" / "CBIS-DDSM" / there, image, case=case, description=description
        )
        return told


def write_dicom(
    path: Path, image: npt.NDArray[np.generic], *, case: str, description: str = "", **tags: str | int | None
) -> None:
    """Write one uncompressed image as TCIA has it; more tags by their keyword, None to leave one out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    bits = image.dtype.itemsize * 8
    values = {
        "SOPClassUID": meta.MediaStorageSOPClassUID, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "PatientID": case, "Modality": "MG", "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "Rows": image.shape[0], "Columns": image.shape[1], "BitsAllocated": bits, "BitsStored": bits,
        "HighBit": bits - 1, "PixelRepresentation": 0, "PixelData": image.tobytes(),
        **({"SeriesDescription": description} if description else {}), **tags,
    }  # fmt: skip
    for name, value in values.items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
