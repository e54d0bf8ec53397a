from itertools import combinations
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings

from mammobench.core.errors import DataError
from mammobench.data.splits.batches import evaluation_batches, training_batches
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.manifest import Manifest
from mammobench.space.config import DataConfig

PATIENTS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["train", "test"]),
        st.integers(1, 4),
        st.booleans(),
    ),
    min_size=4,
    max_size=60,
)


# few patients often lack a class that a task needs
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(
    patients=PATIENTS,
    task=st.sampled_from(["malignancy", "abnormality", "lesion-type", "screening", "five-class"]),
    seed=st.integers(0, 9),
    fraction=st.floats(0.05, 0.6),
    asked=st.sampled_from(
        [{}, {"shared_groups": "test"}, {"split": "grouped"}, {"split": "grouped", "folds": 3, "fold": 2}]
    ),
    links=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=12),
)
def test_no_group_is_ever_cut_and_no_image_lost_or_used_twice(
    patients: list[tuple[int, str, int, bool]],
    task: str,
    seed: int,
    fraction: float,
    asked: dict[str, str | int],
    links: list[tuple[int, int]],
) -> None:
    rows = [
        (label, f"P{number}" if known else None, split)
        for number, (label, split, crops, known) in enumerate(patients)
        for _ in range(crops)
    ]
    index = pd.DataFrame(rows, columns=["label", "patient", "split"])
    # what recovery would have found, as further ids
    codes = np.arange(len(rows))
    for first, second in links:
        codes[codes == codes[first % len(rows)]] = codes[second % len(rows)]
    index["group"] = [f"L{code}" for code in codes]
    manifest = Manifest(
        fingerprint="", counts={}, image_size=8, source="", synthetic=True, licence="", citations=[],
        warnings=[], versions={},
    )  # fmt: skip
    store = ImageStore(Path("memory"), manifest, index, verified=False)
    values = {"task": task, "split_seed": seed, "validation_fraction": fraction, **asked}
    data = DataConfig.model_validate(values)
    try:
        split = make_split(store, data)
    except DataError as error:
        assert "cannot serve the task" in str(error)  # noqa: PT017 - too few classes are a fair answer
        assume(condition=False)
    parts = (split.train, split.validation, split.test)
    used = np.concatenate([part.rows for part in parts])
    assert len(used) == len(set(used))
    taking_part = np.flatnonzero(
        index["label"].isin([1, 2, 3, 4]) | (task not in {"malignancy", "lesion-type"})
    )
    left_out = np.setdiff1d(taking_part, used)
    # left out is only what shares a group with the other side of an official split
    assert len(left_out) == 0 or any("were left out" in warning for warning in split.warnings)
    assert set(used) <= set(taking_part)
    for one, other in combinations(parts, 2):
        for known in ("patient", "group"):
            names = (index[known].iloc[part.rows].dropna() for part in (one, other))
            assert set.isdisjoint(*map(set, names))
    assert all((part.targets >= 0).all() for part in parts)


@given(count=st.integers(1, 200), size=st.integers(1, 64), seed=st.integers(0, 5), epoch=st.integers(1, 9))
def test_training_batches_are_full_and_repeat_an_image_only_when_there_are_too_few(
    count: int, size: int, seed: int, epoch: int
) -> None:
    batches = list(training_batches(count, size, seed, epoch))
    assert all(batch.shape == (size,) for batch in batches)
    assert len(batches) == max(1, count // size)
    times = np.bincount(np.concatenate(batches), minlength=count)
    assert times.max() - times.min() <= 1


@given(count=st.integers(0, 200), size=st.integers(1, 64))
def test_evaluation_batches_cover_every_image_once_in_order(count: int, size: int) -> None:
    batches = list(evaluation_batches(count, size))
    assert all(batch.shape == (size,) for batch, _ in batches)
    real = [int(row) for batch, real in batches for row in batch[:real]]
    assert real == list(range(count))
