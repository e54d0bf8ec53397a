"""What all tests share: the real data beside the repository, and a tiny synthetic store."""

from pathlib import Path

import pytest

from mammobench.data.phantom import make_phantom
from mammobench.data.store import ImageStore

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real mammograms; tests that need it are skipped where it is missing."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data" / "mini-mias").is_dir():
        pytest.skip("the real mammograms (../shared) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    """120 synthetic patches."""
    return make_phantom(tmp_path_factory.mktemp("stores") / "phantom", images=120, seed=0)
