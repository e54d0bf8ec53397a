import numpy as np
import pytest

from mammobench.core.errors import DataError
from mammobench.data.splits.tasks import TASKS, get_task
from mammobench.data.store.labels import Label

ALL = np.arange(5)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("malignancy", [-1, 0, 0, 1, 1]),
        ("abnormality", [0, 1, 1, 1, 1]),
        ("lesion-type", [-1, 0, 1, 0, 1]),
        ("screening", [0, 0, 0, 1, 1]),
        ("five-class", [0, 1, 2, 3, 4]),
    ],
)
def test_targets_and_selection_follow_the_labels(name: str, targets: list[int]) -> None:
    task = get_task(name)
    assert task.targets(ALL).tolist() == targets
    assert task.targets(ALL).dtype == np.int64
    assert task.select(ALL).tolist() == [target >= 0 for target in targets]
    assert task.classes == len(task.class_names) == max(targets) + 1


def test_five_class_names_are_those_of_the_labels() -> None:
    assert get_task("five-class").class_names == tuple(label.title for label in Label)


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"did you mean 'malignancy'\?\), found malignacy"):
        get_task("malignacy")


def test_a_task_of_two_classes_is_binary() -> None:
    assert [name for name, task in TASKS.items() if not task.binary] == ["five-class"]
