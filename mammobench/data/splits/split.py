"""Training, validation and test rows of a store for one task.

``official`` keeps the source's own test rows, and its own validation rows where it has some; groups that also
stand among the training rows are left out of one of the two. ``grouped`` draws test from all rows, by holdout
or in folds. Neither ever cuts a group. ``reference`` repeats what the reference notebook did with the Kaggle
set, its leak included.
"""

import hashlib
import zipfile
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from mammobench.core.errors import DataError
from mammobench.core.files import written_aside
from mammobench.core.metrics import is_binary
from mammobench.data.groups import Groups, groups_of
from mammobench.data.splits import rules
from mammobench.data.splits.drawing import Codes, draw_share
from mammobench.data.splits.tasks import Task, get_task
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig

TWO_CLASSES = 2
PARTS = ("train", "validation", "test")


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
        name: ``official``, ``grouped`` or ``reference``.
        task: Name of the task.
        class_names: In the order of the class numbers.
        train: What a model learns from.
        validation: What a search selects on.
        test: What is opened once, by evaluation.
        leaks: Whether crops of one lesion stand in several parts by construction.
        grouped: Whether the store knows patients or lesions for any of the task's images; if not, every image
            counts as its own, identical pictures apart.
        warnings: What a reader of results on this split must know.
        hash: SHA-256 over rows and targets of the three parts, in their order.
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

    @property
    def binary(self) -> bool:
        """Whether its task has two classes."""
        return is_binary(len(self.class_names))

    @property
    def evaluated(self) -> str:
        """SHA-256 over rows and targets of validation and test: scores are comparable where it is one."""
        return _hash({name: getattr(self, name) for name in ("validation", "test")})

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
        split.require_clean(path)
        return split

    def require_clean(self, where: Path) -> None:
        """See that no group stands in two parts, unless the split says that it leaks.

        Raises:
            DataError: When one does.
        """
        if self.leaks:
            return
        for first, second in combinations(PARTS, 2):
            one, other = getattr(self, first), getattr(self, second)
            both = np.intersect1d(one.groups, other.groups)
            if len(both):
                pair = (part.rows[np.argmax(part.groups == both[0])] for part in (one, other))
                raise DataError(
                    f"the {self.name} split leaks from {first} to {second}",
                    where=where,
                    expected="every patient and every lesion in one part alone",
                    found=f"{len(both)} in both, such as that of rows {' and '.join(map(str, pair))}",
                    remedy="Make the split anew, with a search into a study of another name",
                )


def make_split(store: ImageStore, data: DataConfig, *, identical: bool = True) -> Split:
    """Cut a store into the parts that a configuration asks for.

    Args:
        store: The image store.
        data: Of its fields, those on the task, the split, validation and the training share are used.
            A smaller training share is part of every larger one; validation and test do not depend on it.
        identical: Whether identical pictures count as one group, as they do since version 0.3.

    Raises:
        DataError: When a part would be empty or lack one of the task's classes; says which split can serve.
    """
    groups = groups_of(store, identical=identical)
    try:
        return _made(store, data, groups)
    except _PartError as error:
        others = [name for name in ("grouped", "official") if _serves(name, store, data, groups)]
        if others:
            ways = {"grouped": "draws test from all images", "official": "keeps the source's own test images"}
            error = error.with_remedy(f"Ask for --split {others[0]}, which {ways[others[0]]}")
        raise error from None


def split_again(store: ImageStore, data: DataConfig, split_hash: str) -> Split | None:
    """Make a recorded split again; None where this store no longer gives it.

    Identical pictures did not count as one group before version 0.3, and what was cut then stays as it was.
    """
    for identical in (True, False):
        try:
            split = make_split(store, data, identical=identical)
        except DataError:
            continue
        if split.hash == split_hash:
            return split
    return None


class _PartError(DataError):
    """A part of a split that lacks images of a task."""

    def with_remedy(self, remedy: str) -> Self:
        return type(self)(
            self.problem, where=self.where, expected=self.expected, found=self.found, remedy=remedy
        )


def _serves(name: str, store: ImageStore, data: DataConfig, groups: Groups) -> bool:
    if name == data.split:
        return False
    try:
        _made(store, data.model_copy(update={"split": name}), groups)
    except _PartError:
        return False
    return True


def _made(store: ImageStore, data: DataConfig, groups: Groups) -> Split:
    task = get_task(data.task)
    labels = store.index["label"].to_numpy(dtype=np.int64)
    taking_part = np.flatnonzero(task.select(labels))
    is_test = (store.index["split"] == "test").to_numpy(dtype=bool)
    train, test = taking_part[~is_test[taking_part]], taking_part[is_test[taking_part]]
    if data.split == "reference":
        targets = task.targets(labels[train])
        counts = np.bincount(targets, minlength=task.classes)
        if not len(train) or (counts == 1).any():
            raise _part_error("train", counts, task, store)
        rows, warnings = rules.reference(train, targets, data)
    else:
        if data.split == "grouped":
            train, test, warnings = rules.drawn_test(taking_part, labels, groups, data)
            warnings += rules.far_from(
                groups, "test", 1 / data.folds if data.folds else data.test_fraction, test, train
            )
        else:
            train, test, warnings = rules.without_shared(train, test, groups, data, store.identical)
        warnings += rules.unknown_groups(groups, {"training": train, "test": test})
        rows = {"test": test}
        own = rules.own_validation(train, store) if data.split == "official" else None
        if own is None:
            seed = (data.split_seed, "validation")
            chosen = draw_share(labels[train], groups.codes[train], data.validation_fraction, seed, leave=1)
            rows |= {"train": train[~chosen], "validation": train[chosen]}
            warnings += rules.far_from(
                groups, "validation", data.validation_fraction, rows["validation"], rows["train"]
            )
        else:
            rows["validation"] = train[own]
            rows["train"], told = rules.without_validated(train[~own], train[own], groups)
            warnings += told
    if data.training_share < 1:
        seed, all_train = (data.split_seed, "training share"), rows["train"]
        kept = draw_share(labels[all_train], groups.codes[all_train], data.training_share, seed, leave=0)
        rows["train"] = all_train[kept]
        warnings += rules.far_from(groups, "training", data.training_share, rows["train"], all_train[~kept])
    parts = {
        name: Part(rows[name], task.targets(labels[rows[name]]), labels[rows[name]], groups.codes[rows[name]])
        for name in PARTS
    }
    _check(parts, task, store)
    related = groups.known.copy()
    related[groups.links[["first", "second"]].to_numpy(dtype=np.int64).ravel()] = True
    split = Split(
        name=data.split,
        task=task.name,
        class_names=task.class_names,
        **parts,
        leaks=data.split == "reference",
        grouped=bool(related[np.concatenate(list(rows.values()))].any()),
        warnings=tuple(warnings),
        hash=_hash(parts),
    )
    split.require_clean(store.path)
    return split


def _check(parts: dict[str, Part], task: Task, store: ImageStore) -> None:
    for name, part in parts.items():
        counts = np.bincount(part.targets, minlength=task.classes)
        # the five-class task can do without a rare label; two classes cannot
        if (counts > 0).sum() < TWO_CLASSES:
            raise _part_error(name, counts, task, store)


def _part_error(name: str, counts: npt.NDArray[np.integer], task: Task, store: ImageStore) -> _PartError:
    found = ", ".join(
        f"{count} {title}" for count, title in zip(counts.tolist(), task.class_names, strict=False)
    )
    if name == "test" and not (store.index["split"] == "test").any():
        found += ", for the source sets no images apart for test"
    return _PartError(
        f"the {name} part cannot serve the task {task.name}",
        where=store.path,
        expected=f"images of at least two classes ({', '.join(task.class_names)})",
        found=found,
        remedy="Choose another data.task or a larger store",
    )


def _hash(parts: dict[str, Part]) -> str:
    digest = hashlib.sha256()
    for part in parts.values():
        for array in (part.rows, part.targets):
            digest.update(len(array).to_bytes(8, "little"))
            digest.update(np.ascontiguousarray(array, dtype="<i8").data)
    return digest.hexdigest()
