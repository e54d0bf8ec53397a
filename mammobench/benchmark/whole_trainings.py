"""A space whose trainings go the whole way unless a method stops them."""

from dataclasses import replace

from mammobench.core.errors import ConfigError
from mammobench.core.objectives import OBJECTIVES
from mammobench.space.search_space import SearchSpace

_SEARCH_DECIDES = ("training.patience", "training.weights", "data.training_share")


def whole_trainings(space: SearchSpace) -> SearchSpace:
    """Return the space with trainings that are never stopped by their own patience.

    Raises:
        ConfigError: For a space that searches what must be one for all trainings, or an objective on images
            that were changed.
    """
    for item in space.hyperparameters:
        if item.key in _SEARCH_DECIDES:
            raise ConfigError(
                "a table has one value of this for all of its trainings",
                where=item.key,
                expected="a space that fixes it",
                remedy=f"Move {item.key} to base",
            )
    if OBJECTIVES[space.objective].conditions:
        raise ConfigError(
            "a table keeps scores of the images as they are",
            where="objective",
            expected="one of " + ", ".join(name for name, each in OBJECTIVES.items() if not each.conditions),
            found=space.objective,
        )
    return replace(space, base={**space.base, "training.patience": 0})
