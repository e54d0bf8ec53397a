"""The files below a folder, each once: links are followed to what is new, and never in a circle."""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mammobench.core.errors import DataError


@dataclass(eq=False)
class Tree:
    """What lies below a folder; paths are relative to it, with ``/``.

    Args:
        root: The folder.
        levels: How deep to look.

    Attributes:
        sizes: Bytes of every file, by path, the highest first.
        aliases: Paths of links that lead to a file which has another path too, and that path.
        circles: Links to a folder above themselves, which are not followed.
        broken: Links that lead nowhere.

    Raises:
        DataError: When a folder cannot be read.
    """

    root: Path
    levels: int
    sizes: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    circles: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._paths: dict[str, str] = {}  # of files, by where they really are
        self._walked: set[str] = set()
        self._links: list[str] = []
        self._walk(os.path.realpath(self.root), "")
        # a link comes after all that needs none, so that the true path of a file is the one that counts
        for link in self._links:
            self._follow(link)
        self.sizes = dict(sorted(self.sizes.items(), key=lambda item: _order(item[0])))

    def _walk(self, real: str, folder: str) -> None:
        if real in self._walked:
            below = [(path, kept) for path, kept in self._paths.items() if path.startswith(real + os.sep)]
            self.aliases |= {f"{folder}{path.removeprefix(real + os.sep)}": kept for path, kept in below}
            return
        self._walked.add(real)
        try:
            with os.scandir(real) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(
                "the folder cannot be read", where=real, found=error.strerror, remedy="Mend its permissions"
            ) from error
        for entry in entries:
            path = folder + entry.name
            if entry.is_symlink():
                self._links.append(path)
            elif entry.is_file():
                self._add(path, entry.path)
            elif entry.is_dir() and path.count("/") + 1 < self.levels:
                self._walk(entry.path, f"{path}/")

    def _follow(self, link: str) -> None:
        place = self.root / link
        real = os.path.realpath(place)
        if place.is_file():
            self._add(link, real)
        elif not place.is_dir():
            # a circle of links leads nowhere too; a pipe or a socket is no file
            if not place.exists():
                self.broken.append(link)
        elif _above(real, os.path.realpath(place.parent)) or _above(real, os.path.realpath(self.root)):
            self.circles.append(link)
        elif link.count("/") + 1 < self.levels:
            self._walk(real, f"{link}/")

    def _add(self, path: str, real: str) -> None:
        if real in self._paths:
            self.aliases[path] = self._paths[real]
        else:
            self._paths[real] = path
            self.sizes[path] = Path(real).stat().st_size


def _above(folder: str, other: str) -> bool:
    return os.path.commonpath([folder, other]) == folder


def _order(path: str) -> tuple[int, tuple[str, ...]]:
    return path.count("/"), PurePosixPath(path).parts
