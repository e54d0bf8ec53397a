"""Which DICOM file of CBIS-DDSM is a film, a mask or a crop.

The tables name files in folders of a case, a study and a series, as TCIA's first downloads had them. Newer
downloads name the two inner folders by date and description, and the file 1-1.dcm. The case's folder is the
same in all. Which of the two files of an abnormality is the mask, the tables often say wrongly.
"""

from pathlib import PurePosixPath

from mammobench.core.errors import DataError
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.cbis_dicom import Header, read_header
from mammobench.data.sources.cbis_tables import CASE, Abnormality


class CaseFiles:
    """The DICOM files of every case.

    Args:
        archive: The folder or zip.

    Attributes:
        swapped: How many masks `mask` found elsewhere than the tables say, where their names still hold.

    Raises:
        DataError: When a file outside the folders of cases is no DICOM file.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.swapped = 0
        self._cases: dict[str, list[str]] = {}
        for file in sorted(archive.sizes):
            path = PurePosixPath(file)
            if path.suffix.lower() != ".dcm" or path.name.startswith("."):
                continue
            case = next((part for part in path.parts[:-1] if CASE.fullmatch(part)), None)
            self._cases.setdefault(case or self._header(file).case, []).append(file)

    def check(self, abnormalities: list[Abnormality]) -> None:
        """Compare the files with the tables.

        Raises:
            DataError: When there are no files for a row.
        """
        missing = [
            (abnormality, case, column)
            for abnormality in abnormalities
            for case, column in (
                (abnormality.film_case, "image file path"),
                (abnormality.lesion_case, "ROI mask file path"),
            )
            if case not in self._cases
        ]
        if missing:
            abnormality, case, column = missing[0]
            rows = len({entry.where for entry, _, _ in missing})
            raise DataError(
                "files are missing",
                where=f"{abnormality.where}, column {column}",
                expected=f"DICOM files in a folder {case} of {self.archive.path}",
                found=f"none, nor for {rows - 1} other rows" if rows > 1 else "none",
                remedy="Download the rest from TCIA, or take the rows out of a copy of the tables",
            )

    def film(self, abnormality: Abnormality) -> tuple[str, Header]:
        """Return the file of the whole film: the one described so, else the largest."""
        files = {file: self._header(file) for file in self._cases[abnormality.film_case]}
        described = {file: header for file, header in files.items() if header.kind == "film"} or files
        return max(described.items(), key=lambda item: item[1].shape[0] * item[1].shape[1])

    def mask(self, abnormality: Abnormality, film: tuple[int, int]) -> str:
        """Return the file of the mask: the one described so, else the one that is as large as the film.

        Args:
            abnormality: The row.
            film: Rows and columns of its film.

        Raises:
            DataError: When none is, or several are.
        """
        files = {file: self._header(file) for file in self._cases[abnormality.lesion_case]}
        chosen = self._choose(files, abnormality, film)
        named = [file for file in files if file.endswith(abnormality.mask_path)]
        self.swapped += bool(named) and chosen not in named
        return chosen

    @staticmethod
    def _choose(files: dict[str, Header], abnormality: Abnormality, film: tuple[int, int]) -> str:
        masks = [file for file, header in files.items() if header.kind == "mask"]
        if len(masks) == 1:
            return masks[0]
        # one series may hold both files under one description
        pool = masks or [file for file, header in files.items() if header.kind is None] or list(files)
        as_film = [file for file in pool if files[file].shape == film] or [
            # some masks are a little larger or smaller than their film; a crop is far smaller
            file
            for file in pool
            if 2 * files[file].shape[0] * files[file].shape[1] > film[0] * film[1]
        ]
        named = [file for file in as_film if file.endswith(abnormality.mask_path)]
        if len(as_film) == 1 or len(named) == 1:
            return (as_film if len(as_film) == 1 else named)[0]
        sizes = ", ".join(
            f"{PurePosixPath(file).name} of {header.shape[0]} x {header.shape[1]}"
            + (f" ({header.kind})" if header.kind else "")
            for file, header in files.items()
        )
        raise DataError(
            "no mask" if not as_film else "several masks",
            where=f"{abnormality.where}, folder {abnormality.lesion_case}",
            expected=f"one file described as ROI mask or as large as the film, {film[0]} x {film[1]}",
            found=sizes,
            remedy="Download the folder again",
        )

    def _header(self, file: str) -> Header:
        with self.archive.open(file) as path:
            return read_header(path, file)
