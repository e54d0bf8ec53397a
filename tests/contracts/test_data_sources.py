"""What every source promises, and that our TFRecord reader reads what TensorFlow writes."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mammobench.data.sources.registry import SOURCES, prepare
from mammobench.data.sources.tfrecords import read_tfrecords
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig

# one worker makes the layout once
pytestmark = pytest.mark.xdist_group("layout")
SHARED = Path(__file__).resolve().parents[3] / "shared"
WITH_FILENAME = [
    pytest.param(True, id="filename"),
    pytest.param(False, id="no-filename", marks=pytest.mark.slow),  # the tool loads TensorFlow each time
]
TOOL = SHARED / "tools" / "ddsm_layout_from_mias.py"


@pytest.fixture(scope="module", params=WITH_FILENAME)
def real_layout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real pixels in the Kaggle layout; truth.csv beside it."""
    if not TOOL.exists():
        pytest.skip(f"no real pixels: {TOOL.name} and the mini-MIAS films are not at ../shared")
    folder = tmp_path_factory.mktemp("mias")
    command = [sys.executable, str(TOOL), "--out", str(folder / "ddsm"), "--truth", str(folder / "truth.csv")]
    command += ["--lesions", "24", "--negatives", "40"] + ([] if request.param else ["--no-filename"])
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def store(real_layout: Path) -> ImageStore:
    return prepare(real_layout / "ddsm", real_layout / "store")


def test_every_row_has_the_label_and_patient_of_its_film(real_layout: Path, store: ImageStore) -> None:
    with (real_layout / "truth.csv").open() as file:
        truth = {(row["file"], int(row["row"])): row for row in csv.DictReader(file)}
    index = store.index
    assert set(zip(index["source_file"], index["source_row"], strict=True)) == set(truth)
    for row in index.to_dict("records"):
        true = truth[row["source_file"], row["source_row"]]
        assert row["label"] == int(true["label"])
        if isinstance(row["patient"], str):
            assert row["patient"] == f"P_{int(true['patient']):05d}"


def test_the_store_opens_verified_and_serves_a_split(store: ImageStore) -> None:
    opened = ImageStore.open(store.path, verify=True)
    assert opened.manifest.citations
    split = make_split(opened, DataConfig(task="abnormality"))
    assert not set(split.train.groups) & set(split.validation.groups)
    assert split.grouped == opened.index["patient"].notna().any()


def test_a_zip_and_a_second_run_give_the_same_fingerprint(real_layout: Path, store: ImageStore) -> None:
    packed = Path(shutil.make_archive(str(real_layout / "packed"), "zip", real_layout / "ddsm"))
    assert prepare(packed, real_layout / "from-zip", format="ddsm").fingerprint == store.fingerprint


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_source_names_its_files_licence_and_citations(name: str) -> None:
    source = SOURCES[name]
    assert source.name == name
    assert source.looks_for
    assert source.provenance.licence
    assert source.provenance.citations or "not known" in source.provenance.licence


def test_what_tensorflow_writes_is_read_alike(tmp_path: Path) -> None:
    import tensorflow as tf  # noqa: PLC0415 - ten seconds, which the tests above need not wait for

    train = tf.train
    rng = np.random.default_rng(0)
    path = tmp_path / "written.tfrecords"
    written = []
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in (0, 1, 127, 128, 89_401):
            content, numbers = rng.bytes(size), rng.integers(-(2**63), 2**63 - 1, size % 7).tolist()
            features = {
                "image": train.Feature(bytes_list=train.BytesList(value=[content, b"second"])),
                "label": train.Feature(int64_list=train.Int64List(value=numbers)),
                "weight": train.Feature(float_list=train.FloatList(value=[0.5, 1.5])),
                "ünïcode": train.Feature(bytes_list=train.BytesList(value=[])),
                "unset": train.Feature(),
            }
            writer.write(train.Example(features=train.Features(feature=features)).SerializeToString())
            written.append((content, numbers))
    read = list(read_tfrecords(path, name=path.name))
    assert [example.byte_lists for example in read] == [
        {"image": [content, b"second"], "ünïcode": []} for content, _ in written
    ]
    assert [example.integer_lists for example in read] == [{"label": numbers} for _, numbers in written]
