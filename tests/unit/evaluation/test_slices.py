import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from mammobench.core.seeds import generator
from mammobench.evaluation.slices import sliced_scores


@pytest.fixture(scope="module")
def images() -> pd.DataFrame:
    rng = generator(0, "slices")
    frame = pd.DataFrame({"group": np.repeat(np.arange(60), 3)})
    frame["target"] = rng.integers(0, 2, 60)[frame["group"]]
    frame["guess"] = np.where(rng.random(180) < 0.8, frame["target"], 1 - frame["target"]).astype(np.int8)
    frame["lesion_type"] = np.where(frame["group"] % 3 == 0, "mass", "calcification")
    frame["pathology"] = np.where(frame["target"] == 1, "malignant", "benign")
    frame["density"] = pd.array([None if group % 2 else str(group % 4) for group in frame["group"]], "string")
    return frame


def sliced(images: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    return sliced_scores(
        index, images["target"].to_numpy(), images["guess"].to_numpy(), images["group"].to_numpy(),
        classes=2, level=0.95, resamples=300,
    )  # fmt: skip


def test_each_slice_has_scikit_learns_scores_of_its_images(images: pd.DataFrame) -> None:
    found = sliced(images, images)
    assert list(zip(found["slice"], found["value"], strict=True)) == [
        ("all", ""), ("lesion_type", "calcification"), ("lesion_type", "mass"), ("pathology", "benign"),
        ("pathology", "malignant"), ("density", "0"), ("density", "2"),
    ]  # fmt: skip
    for row in found.to_dict("records"):
        some = images if row["slice"] == "all" else images[images[row["slice"]] == row["value"]]
        assert (row["images"], row["groups"]) == (len(some), some["group"].nunique())
        assert row["positives"] == some["target"].sum()
        # to the last digit, as the ranking has it: a page prints both
        assert row["accuracy"] == pytest.approx(accuracy_score(some["target"], some["guess"]), rel=1e-12)
        if row["positives"]:
            assert row["recall"] == pytest.approx(recall_score(some["target"], some["guess"]))
        if row["slice"] == "pathology":
            # of one class alone, in which F1 and precision are decided by the slice
            assert np.isnan([row["f1"], row["precision"], row["f1_low"]]).all()
        elif row["positives"]:
            assert row["f1"] == pytest.approx(f1_score(some["target"], some["guess"]))
            assert row["precision"] == pytest.approx(precision_score(some["target"], some["guess"]))
            assert row["f1_low"] <= row["f1"] <= row["f1_high"]


def test_recall_without_positives_is_not_defined(images: pd.DataFrame) -> None:
    found = sliced(images, images)
    assert found.loc[found["value"] == "benign", ["recall", "recall_low"]].isna().to_numpy().all()


def test_columns_that_a_source_lacks_have_no_slices(images: pd.DataFrame) -> None:
    unknown = pd.DataFrame({"density": pd.array([None] * len(images), "string")})
    assert sliced(images, unknown)["slice"].tolist() == ["all"]
