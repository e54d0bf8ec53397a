import json
from pathlib import Path

import numpy as np
import pytest

from mammobench.analysis.audit import Audit, audit_store, write_audit
from mammobench.analysis.audit.page import as_values, build_page, findings, lead_of
from mammobench.core.errors import ConfigError
from mammobench.data.store.image_store import ImageStore
from tests.pictures import Listed, patients, picture, store_of_pictures


@pytest.fixture(scope="module")
def audit(phantom: ImageStore) -> Audit:
    return audit_store(phantom, tasks=("malignancy", "five-class"))


def test_it_counts_what_is_there(audit: Audit, phantom: ImageStore) -> None:
    assert audit.counts.to_numpy().sum() == len(phantom)
    assert list(audit.counts.columns) == ["test", "train"]
    assert [one.task for one in audit.baselines] == ["malignancy"] * 2 + ["five-class"] * 2
    for one in audit.baselines:
        assert one.f1.low <= one.f1.point <= one.f1.high
        assert 0 < one.majority < 1
    assert np.isnan(audit.baselines[2].auroc.low)


def test_the_page_says_synthetic_and_what_it_rests_on(audit: Audit, tmp_path: Path) -> None:
    path = write_audit(audit, tmp_path / "new" / "audit.html")
    html = path.read_text("utf-8")
    assert "Synthetic data" in html
    assert "shortcut baseline" in html
    assert "<script" not in html
    page = build_page(audit)
    assert page.lead == lead_of(audit)
    assert page.baseline.rows[0][:2] == ("malignancy", "logistic regression")
    assert any("reference split share" in sentence for sentence in findings(audit))


def test_its_values_are_json(audit: Audit, phantom: ImageStore) -> None:
    values = json.loads(json.dumps(as_values(audit)))
    assert values["fingerprint"] == phantom.fingerprint
    assert values["synthetic"] is True
    assert {leak["split"] for leak in values["leaks"]} >= {"reference", "official", "grouped"}


def test_an_unknown_split_is_an_error(phantom: ImageStore) -> None:
    with pytest.raises(ConfigError, match=r"data\.split"):
        audit_store(phantom, split="random")


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    listed: list[Listed] = [
        *patients(20, "train", "P", start=0), *patients(8, "test", "Q", start=100),
        (picture(0), 2, "R0", "test"), (picture(1), 4, "R1", "train"), (picture(101), 2, "Q0", "test"),
    ]  # fmt: skip
    store = store_of_pictures(tmp_path_factory.mktemp("audit") / "store", listed)
    return audit_store(store, tasks=("malignancy",))


def test_identical_pictures_are_listed_without_recovered_groups(repeated: Audit, tmp_path: Path) -> None:
    values = json.loads(json.dumps(as_values(repeated)))
    assert values["identical"]["images"] == 6
    assert values["identical"]["pictures"] == [
        {"images": 2, "ids": ["picture-00000", "picture-00056"], "labels": ["benign mass"],
         "patients": ["P0", "R0"], "splits": ["train", "test"]},
        {"images": 2, "ids": ["picture-00001", "picture-00057"], "labels": ["benign mass", "malignant mass"],
         "patients": ["P0", "R1"], "splits": ["train"]},
        {"images": 2, "ids": ["picture-00041", "picture-00058"], "labels": ["benign mass"],
         "patients": ["Q0"], "splits": ["test"]},
    ]  # fmt: skip
    said = findings(repeated)
    assert any(sentence.startswith("6 images are 3 pictures, pixel by pixel") for sentence in said)
    assert (
        "picture-00001, picture-00057 are one picture, labelled benign mass and malignant mass: labels "
        "contradict each other in 1 of 3 such pictures." in said
    )
    html = write_audit(repeated, tmp_path / "audit.html").read_text("utf-8")
    for words in ("Identical pictures", "picture-00056", "benign mass and malignant mass (contradiction)"):
        assert words in html


def test_identical_pictures_are_leaks(repeated: Audit) -> None:
    leaks = {leak.split: leak for leak in repeated.leaks}
    assert (leaks["the source's own"].groups, leaks["the source's own"].test_images) == (1, 1)
    assert leaks["official"].groups == leaks["grouped"].groups == 0


@pytest.mark.parametrize(
    ("labels", "told"), [((2,), "100.0% of benign mass."), ((2, 4), "100.0% of every class.")]
)
def test_no_class_is_named_twice(labels: tuple[int, ...], told: str, tmp_path: Path) -> None:
    listed: list[Listed] = [
        (picture(number) // 32, labels[number % len(labels)], f"P{number}", "train") for number in range(8)
    ]
    audit = audit_store(store_of_pictures(tmp_path / "store", listed), tasks=("malignancy",))
    (sentence,) = (sentence for sentence in findings(audit) if sentence.startswith("Black images"))
    assert sentence.endswith(f": 8, {told}")
