"""On real films in the Kaggle layout: crops of one lesion are found again, and nothing else."""

import subprocess
import sys
from pathlib import Path
from runpy import run_path

import numpy as np
import pandas as pd
import pytest

from mammobench.core.seeds import generator
from mammobench.data.groups import Groups, recover_groups
from mammobench.data.sources.registry import prepare
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.records import Chunk, Provenance, Row
from mammobench.data.store.writer import StoreWriter

SHARED = Path(__file__).resolve().parents[3] / "shared"
TOOL = SHARED / "tools" / "ddsm_layout_from_mias.py"


def layout_of(folder: Path, *options: str) -> tuple[ImageStore, pd.DataFrame]:
    """Make a store of real films, and the truth of its rows: film, patient and lesion."""
    if not TOOL.exists():
        pytest.skip(f"no real pixels: {TOOL.name} and the mini-MIAS films are not at ../shared")
    command = [sys.executable, str(TOOL), "--out", str(folder / "ddsm"), "--truth", str(folder / "truth.csv")]
    subprocess.run([*command, *options], check=True, capture_output=True)
    store = prepare(folder / "ddsm", folder / "store")
    truth = pd.read_csv(folder / "truth.csv").set_index(["file", "row"])
    rows = list(zip(store.index["source_file"], store.index["source_row"], strict=True))
    return store, truth.loc[rows].reset_index(drop=True)


def sibling_recall(groups: Groups, truth: pd.DataFrame) -> float:
    """Return the share of pairs of crops of one lesion that are in one group."""
    together = pairs = 0
    for _, rows in truth[truth["lesion"] >= 0].groupby("lesion"):
        sizes = np.unique(groups.codes[rows.index], return_counts=True)[1]
        together += int((sizes * (sizes - 1)).sum())
        pairs += len(rows) * (len(rows) - 1)
    return together / pairs


def within_one_film(groups: Groups, truth: pd.DataFrame) -> float:
    films = truth["film"].to_numpy()
    return float((films[groups.links["first"]] == films[groups.links["second"]]).mean())


def check_recovery(groups: Groups, truth: pd.DataFrame) -> None:
    recall, precision = sibling_recall(groups, truth), within_one_film(groups, truth)
    print(f"{len(groups.links)} links: recall of siblings {recall:.4f}, within one film {precision:.4f}")
    assert recall >= 0.98
    assert precision >= 0.99


def check_patients(store: ImageStore, groups: Groups, truth: pd.DataFrame) -> None:
    known = store.index["patient"].notna().to_numpy()
    assert np.array_equal(groups.known, known)
    pairs = pd.DataFrame({"group": groups.codes, "patient": truth["patient"]})[known].drop_duplicates()
    assert pairs["group"].is_unique
    assert pairs["patient"].is_unique
    assert groups.joined == 0


@pytest.mark.slow  # the tool loads TensorFlow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lesions_are_found_without_film_names(tmp_path: Path, seed: int) -> None:
    store, truth = layout_of(tmp_path, "--no-filename", "--seed", str(seed))
    check_recovery(recover_groups(store), truth)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_patients_are_found_exactly_with_film_names(tmp_path: Path, seed: int) -> None:
    store, truth = layout_of(tmp_path, "--seed", str(seed))
    check_patients(store, recover_groups(store), truth)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the tool leaves a file open
def test_a_few_real_films(tmp_path: Path) -> None:
    """The tool's crops and tiles without its TFRecords, which take TensorFlow half a minute."""
    if not TOOL.exists():
        pytest.skip(f"no real pixels: {TOOL.name} and the mini-MIAS films are not at ../shared")
    tool = run_path(str(TOOL))
    films, rng = SHARED / "data" / "mini-mias", generator(0, "films")
    lesions = tool["read_lesions"](films, 12)
    made = [tool["crop_lesion"](films, lesion, rng, 0.0) for lesion in lesions for _ in range(3)]
    made += tool["tile_negatives"](films, 40, 150, rng)
    rows = [Row(each["label"], "drawn", number, "train") for number, each in enumerate(made)]
    provenance = Provenance("mini-MIAS", synthetic=False, licence="research use", citations=())
    with StoreWriter(tmp_path / "store", image_size=tool["SIZE"], provenance=provenance) as writer:
        writer.append(Chunk(np.stack([each["image"] for each in made]), rows))
    check_recovery(recover_groups(ImageStore.open(tmp_path / "store")), pd.DataFrame(made))
