"""A source's files, in a folder or in a zip, one at a time."""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mammobench.core.errors import DataError
from mammobench.data.sources.tree import Tree

LEVELS = 16  # TCIA puts its images six folders deep, BreakHis nine


class Archive:
    """The files of a folder (16 levels deep) or of a zip, by their paths.

    Args:
        path: A folder or a zip file.

    Attributes:
        path: The same.
        sizes: Bytes of every file by its relative path; a file with several paths, through links, has one.
        aliases: The other paths of such files, and the one in `sizes`.
        circles: Links to a folder above themselves, which are not followed.
        broken: Links that lead nowhere.

    Raises:
        DataError: When `path` is missing or neither a folder nor a zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_zip = path.is_file()
        self.aliases: dict[str, str] = {}
        self.circles: list[str] = []
        self.broken: list[str] = []
        if path.is_dir():
            tree = Tree(path, LEVELS)
            self.sizes, self.aliases = tree.sizes, tree.aliases
            self.circles, self.broken = tree.circles, tree.broken
        elif self._is_zip:
            self.sizes = self._zip_sizes()
        else:
            raise DataError(
                "no such source",
                where=path,
                expected="a folder or a zip file",
                found="nothing",
                remedy="Check the path, or fetch the Kaggle set with `mammobench data download`",
            )

    def find(self, name: str) -> str | None:
        """Return the relative path of the file with this name, or None."""
        return next((file for file in self.sizes if PurePosixPath(file).name == name), None)

    @contextmanager
    def open(self, file: str) -> Iterator[Path]:
        """Give a path to read a file at; a zip's is unpacked for as long as the block lasts.

        Args:
            file: A key of `sizes`.

        Raises:
            DataError: When the zip is damaged or there is no room to unpack the file.
        """
        if not self._is_zip:
            yield self.path / file
            return
        with tempfile.TemporaryDirectory(prefix="mammobench-") as folder:
            yield self._unpack(file, Path(folder))

    def _zip_sizes(self) -> dict[str, int]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return {entry.filename: entry.file_size for entry in archive.infolist() if not entry.is_dir()}
        except zipfile.BadZipFile as error:
            raise DataError(
                "not a source",
                where=self.path,
                expected="a folder or a whole zip file",
                found=str(error)[:1].lower() + str(error)[1:],
                remedy="Download it again if the download broke off",
            ) from error

    def _unpack(self, file: str, folder: Path) -> Path:
        target = folder / PurePosixPath(file).name
        try:
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(file) as packed,
                target.open("wb") as unpacked,
            ):
                shutil.copyfileobj(packed, unpacked, 4 * 2**20)
        except (RuntimeError, NotImplementedError) as error:
            raise DataError(
                "the zip cannot be unpacked",
                where=f"{self.path}, {file}",
                expected="a zip without a password, packed by a usual method",
                found=error,
                remedy="Unpack it by hand and give the folder",
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise DataError(
                "the zip is damaged",
                where=f"{self.path}, {file}",
                expected="a file that unpacks to its checksum",
                found=error,
                remedy="Download it again",
            ) from error
        except OSError as error:
            raise DataError(
                "cannot unpack a file of the zip",
                where=f"{self.path}, {file}",
                expected=f"room for {self.sizes[file]:,} bytes in {folder.parent}",
                found=error.strerror or error,
                remedy="Free some space, or set TMPDIR to a folder with room",
            ) from error
        return target
