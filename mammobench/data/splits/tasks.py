"""Tasks: which images take part, and which class each belongs to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.core.errors import DataError
from mammobench.core.metrics import is_binary
from mammobench.space.config import nearest


@dataclass(frozen=True)
class Task:
    """A classification task on the five labels.

    Attributes:
        name: As in `TrialConfig`'s ``data.task``.
        class_names: In the order of the class numbers.
        classes_of_labels: Class of each of the five labels; -1 for one that does not take part.
    """

    name: str
    class_names: tuple[str, ...]
    classes_of_labels: tuple[int, int, int, int, int]

    @property
    def classes(self) -> int:
        """Number of classes: 2 (one sigmoid output, the probability of class 1) or more (softmax)."""
        return len(self.class_names)

    @property
    def binary(self) -> bool:
        """Whether there are two classes, so that predictions are the probability of class 1, (n,)."""
        return is_binary(self.classes)

    def select(self, labels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return a mask of the images that take part, for labels 0 to 4 of shape (n,)."""
        return np.asarray(self.targets(labels) >= 0)

    def targets(self, labels: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return classes of shape (n,) for labels 0 to 4; -1 for an image that does not take part."""
        return np.array(self.classes_of_labels, dtype=np.int64)[np.asarray(labels, dtype=np.int64)]


TASKS = {
    task.name: task
    for task in (
        Task("malignancy", ("benign", "malignant"), (-1, 0, 0, 1, 1)),
        Task("abnormality", ("negative", "lesion"), (0, 1, 1, 1, 1)),
        Task("lesion-type", ("calcification", "mass"), (-1, 0, 1, 0, 1)),
        Task("screening", ("not malignant", "malignant"), (0, 0, 0, 1, 1)),
        Task(
            "five-class",
            ("negative", "benign calcification", "benign mass", "malignant calcification", "malignant mass"),
            (0, 1, 2, 3, 4),
        ),
    )
}


def get_task(name: str) -> Task:
    """Return a task by name.

    Raises:
        DataError: For an unknown name; the nearest is named.
    """
    if name not in TASKS:
        raise DataError(
            "unknown task",
            where="data.task",
            expected=f"one of {', '.join(TASKS)}{nearest(name, list(TASKS))}",
            found=name,
        )
    return TASKS[name]
