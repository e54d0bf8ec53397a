"""What a search may not choose: the split.

What one split tests is what another validates on, so that a search over splits would select by the images
that it is then tested on. The one comparison that there is, of the reference split with the official one,
shows a leak.
"""

from mammobench.core.errors import SpaceError
from mammobench.space.hyperparameters import Choice, Hyperparameter
from mammobench.space.search_space import SearchSpace

DECIDE_THE_SPLIT = (
    "data.task",
    "data.split",
    "data.shared_groups",
    "data.test_fraction",
    "data.folds",
    "data.fold",
    "data.validation_fraction",
    "data.split_seed",
)
"""Fields of `TrialConfig` that decide which images validate and which test.
`data.training_share` leaves both as they are."""

_COMPARISON = {"reference", "official"}


def split_fault(item: Hyperparameter, where: str) -> SpaceError | None:
    """Return what is wrong with searching a field that decides the split; None for any other.

    Args:
        item: The hyperparameter.
        where: Names it in the error.
    """
    if item.key not in DECIDE_THE_SPLIT:
        return None
    if item.key == "data.split" and isinstance(item, Choice) and {*item.values} == _COMPARISON:
        return None
    return SpaceError(
        "a search cannot choose its split: what one split tests, another validates on, by which it selects",
        where=where,
        expected=f"{item.key} under base; under search only `data.split: {{choice: [reference, official]}}`, "
        "which shows the leak",
        found=item.describe(),
        remedy=f"Move {item.key} to base with one value, and search once for each value",
    )


def compares_splits(space: SearchSpace) -> bool:
    """Return whether a space searches the marked comparison, and nothing else of what decides the split."""
    deciding = [item for item in space.hyperparameters if item.key in DECIDE_THE_SPLIT]
    return bool(deciding) and not any(split_fault(item, item.key) for item in deciding)


def require_one_split(space: SearchSpace) -> None:
    """Refuse a space that searches what decides the split.

    Raises:
        SpaceError: For such a space.
    """
    for item in space.hyperparameters:
        fault = split_fault(item, f"{space.name}, {item.key}")
        if fault is not None:
            raise fault
