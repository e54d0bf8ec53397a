"""Training, validation and test rows of a store for one task.

``official`` keeps the source's own test rows and never cuts a group between training and validation.
``reference`` repeats what the reference notebook did with the Kaggle set, its leak included.
"""

import hashlib
import zipfile
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.config import DataConfig
from mammobench.data.store import ImageStore
from mammobench.data.tasks import Task, get_task
from mammobench.errors import DataError
from mammobench.files import written_aside
from mammobench.seeds import generator

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
TWO_CLASSES = 2
PARTS = ("train", "validation", "test")
REFERENCE_SEED = 2021
REFERENCE_TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """One part of a split; all arrays are int64 of one length.

    Attributes:
        rows: Rows of the store.
        targets: Class of each image in the task.
        labels: The five-class label, 0 to 4.
        groups: Code of the unit that must not be split; an image without a known one has a code of its own.
    """

    rows: Codes
    targets: Codes
    labels: Codes
    groups: Codes

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Part({len(self)} images of classes {np.bincount(self.targets).tolist()})"


@dataclass(frozen=True, eq=False)
class Split:
    """The three parts of a task's images.

    Attributes:
        name: ``official`` or ``reference``.
        task: Name of the task.
        class_names: In the order of the class numbers.
        train: What a model learns from.
        validation: What a search selects on.
        test: What is opened once, by evaluation.
        leaks: Whether crops of one lesion stand in several parts by construction.
        grouped: Whether the store knows patients or lesions for any of the task's images; if not, every image
            counts as its own.
        warnings: What a reader of results on this split must know.
        hash: SHA-256 over rows and targets of the three parts.
    """

    name: str
    task: str
    class_names: tuple[str, ...]
    train: Part
    validation: Part
    test: Part
    leaks: bool
    grouped: bool
    warnings: tuple[str, ...]
    hash: str

    def save(self, path: Path) -> None:
        """Write the split as one ``.npz`` file, whole or not at all."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            f"{part}_{array.name}": getattr(getattr(self, part), array.name)
            for part in PARTS
            for array in fields(Part)
        }
        plain = {name: np.array(getattr(self, name)) for name in ("name", "task", "leaks", "grouped", "hash")}
        texts = {name: np.array(getattr(self, name), dtype=np.str_) for name in ("class_names", "warnings")}
        with written_aside(path) as aside, aside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays, **plain, **texts)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a split that `save` wrote.

        Raises:
            DataError: When the file is missing or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                parts = {
                    part: Part(*(saved[f"{part}_{array.name}"] for array in fields(Part))) for part in PARTS
                }
                split = cls(
                    name=str(saved["name"]),
                    task=str(saved["task"]),
                    class_names=tuple(saved["class_names"].tolist()),
                    **parts,
                    leaks=bool(saved["leaks"]),
                    grouped=bool(saved["grouped"]),
                    warnings=tuple(saved["warnings"].tolist()),
                    hash=str(saved["hash"]),
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                "the split cannot be read", where=path, expected="a saved split", found=error
            ) from error
        if split.hash != _hash(parts):
            raise DataError("the split was changed after it was saved", where=path, expected=split.hash)
        return split


def make_split(store: ImageStore, data: DataConfig) -> Split:
    """Cut a store into the parts that a configuration asks for.

    Args:
        store: The image store.
        data: ``task``, ``split``, ``validation_fraction``, ``training_share`` and ``split_seed`` are used.
            A smaller training share is part of every larger one; validation and test do not depend on it.

    Raises:
        DataError: When a part would be empty or lack one of the task's classes.
    """
    task = get_task(data.task)
    labels = store.index["label"].to_numpy(dtype=np.int64)
    groups, known = _group_codes(store.index["group"])
    taking_part = task.select(labels)
    is_test = (store.index["split"] == "test").to_numpy(dtype=bool)
    train = np.flatnonzero(taking_part & ~is_test)
    test = np.flatnonzero(taking_part & is_test)
    if data.split == "reference":
        rows, warnings = _reference(train, labels, task, data, store)
    else:
        patients = store.index["patient"]
        train, warnings = _drop_shared_patients(train, test, patients)
        warnings += _unknown_groups(known, {"training": train, "test": test})
        chosen = _draw_validation(labels[train], groups[train], data)
        rows = {"train": train[~chosen], "validation": train[chosen], "test": test}
    if data.training_share < 1:
        kept = _draw_share(labels[rows["train"]], groups[rows["train"]], data)
        rows["train"] = rows["train"][kept]
    parts = {
        name: Part(rows[name], task.targets(labels[rows[name]]), labels[rows[name]], groups[rows[name]])
        for name in PARTS
    }
    _check(parts, task, store)
    return Split(
        name=data.split,
        task=task.name,
        class_names=task.class_names,
        **parts,
        leaks=data.split == "reference",
        grouped=bool(known[np.concatenate(list(rows.values()))].any()),
        warnings=tuple(warnings),
        hash=_hash(parts),
    )


def _group_codes(groups: pd.Series) -> tuple[Codes, Mask]:
    codes, names = pd.factorize(groups)
    known = codes >= 0
    return np.where(known, codes, len(names) + np.arange(len(codes))).astype(np.int64), known


def _drop_shared_patients(train: Codes, test: Codes, patients: pd.Series) -> tuple[Codes, list[str]]:
    of_train = patients.iloc[train]
    shared = (of_train.notna() & of_train.isin(patients.iloc[test].dropna())).to_numpy(dtype=bool)
    if not shared.any():
        return train, []
    count = of_train[shared].nunique()
    return train[~shared], [
        f"{shared.sum()} training images of {count} patients who are also in the test set were left out."
    ]


def _unknown_groups(known: Mask, rows: dict[str, Codes]) -> list[str]:
    consequences = {
        "training": "crops of one lesion may stand in training and validation, so validation may flatter",
        "test": "test patients may be among the training images, and intervals take images as independent",
    }
    unknown = {part: int((~known[rows[part]]).sum()) for part in rows}
    return [
        f"{unknown[part]} of {len(rows[part])} {part} images have no known patient or lesion: {consequence}."
        for part, consequence in consequences.items()
        if unknown[part]
    ]


def _draw_validation(labels: Codes, groups: Codes, data: DataConfig) -> Mask:
    """Choose whole groups for validation, stratified by label, and leave one of each label for training."""
    return _draw_groups(labels, groups, data.validation_fraction, (data.split_seed, "validation"), leave=1)


def _draw_share(labels: Codes, groups: Codes, data: DataConfig) -> Mask:
    """Choose whole groups to train on, stratified by label; a smaller share is part of every larger one."""
    return _draw_groups(labels, groups, data.training_share, (data.split_seed, "training share"), leave=0)


def _draw_groups(labels: Codes, groups: Codes, share: float, seed: tuple[int, str], *, leave: int) -> Mask:
    """Choose about a share of the images, in whole groups, one group of each label at least.

    scikit-learn's StratifiedGroupKFold offers fractions of 1/k alone, refuses small classes, and is slow for
    tens of thousands of groups of one image.
    """
    images = pd.crosstab(groups, labels)
    # a group with several labels counts for its rarest one, which is the hardest to share out
    rarest_first = images.sum().sort_values(kind="stable").index
    stratum = (images[rarest_first] > 0).idxmax(axis=1)
    sizes = images.sum(axis=1)
    fraction = Fraction(str(share))
    chosen: list[int] = []
    for label, members in sizes.groupby(stratum):
        order = generator(*seed, int(str(label))).permutation(len(members))
        filled = np.cumsum(members.to_numpy()[order])
        wanted = float(fraction * int(filled[-1]))
        take = int(np.argmin(np.abs(np.concatenate([[0], filled]) - wanted)))
        take = min(max(take, 1), len(members) - leave)
        chosen.extend(members.index[order[:take]])
    return np.isin(groups, chosen)


def _reference(
    train: Codes, labels: Codes, task: Task, data: DataConfig, store: ImageStore
) -> tuple[dict[str, Codes], list[str]]:
    targets = task.targets(labels[train])
    counts = np.bincount(targets, minlength=task.classes)
    if not len(train) or (counts == 1).any():
        raise _part_error("train", counts, task, store)
    # imported here: it costs every command a second or more, and only this split needs it
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    rest, test = train_test_split(
        train, test_size=REFERENCE_TEST_SHARE, random_state=REFERENCE_SEED, stratify=targets
    )
    # Keras' validation_split takes the last rows, unshuffled
    cut = int(len(rest) * (1 - data.validation_fraction))
    warning = (
        "The reference split LEAKS: it cuts the training records at random, so that crops of one lesion "
        "stand in training, validation and test alike. Its scores are too high, and comparable with "
        "the reference notebook's alone."
    )
    return {"train": rest[:cut], "validation": rest[cut:], "test": test}, [warning]


def _check(parts: dict[str, Part], task: Task, store: ImageStore) -> None:
    for name, part in parts.items():
        counts = np.bincount(part.targets, minlength=task.classes)
        # the five-class task can do without a rare label; two classes cannot
        if (counts > 0).sum() < TWO_CLASSES:
            raise _part_error(name, counts, task, store)


def _part_error(name: str, counts: npt.NDArray[np.integer], task: Task, store: ImageStore) -> DataError:
    found = ", ".join(
        f"{count} {title}" for count, title in zip(counts.tolist(), task.class_names, strict=False)
    )
    return DataError(
        f"the {name} part cannot serve the task {task.name}",
        where=store.path,
        expected=f"images of at least two classes ({', '.join(task.class_names)})",
        found=found,
        remedy="Choose another data.task or a larger store",
    )


def _hash(parts: dict[str, Part]) -> str:
    digest = hashlib.sha256()
    for name in PARTS:
        for array in (parts[name].rows, parts[name].targets):
            digest.update(len(array).to_bytes(8, "little"))
            digest.update(np.ascontiguousarray(array, dtype="<i8").data)
    return digest.hexdigest()
