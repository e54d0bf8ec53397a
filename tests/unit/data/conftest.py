"""A small phantom store, and the Kaggle layout in miniature."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from tests.kaggle_layout import Layout, example


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    """60 synthetic images; tests must not change the folder."""
    return make_phantom(tmp_path_factory.mktemp("phantom") / "store", images=60)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "kaggle")
    made.write()
    return made


@pytest.fixture
def encode() -> Callable[..., bytes]:
    return example


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small file system in memory, which takes root."""
    mounted = []

    def mount(options: str) -> Path:
        folder = tmp_path / "tmpfs"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"cannot mount a tmpfs here: {error}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - fixed words
