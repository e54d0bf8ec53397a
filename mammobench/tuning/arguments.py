"""What the arguments of a search must be; a wrong one is refused before anything is made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mammobench.core.errors import ConfigError, DataError
from mammobench.core.objectives import OBJECTIVES
from mammobench.core.validation import first_fault
from mammobench.data.splits.recorded_shares import share_warnings
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import TrialConfig, nearest
from mammobench.space.one_split import require_one_split
from mammobench.space.search_space import SearchSpace
from mammobench.study.options import Declared
from mammobench.training.result import COSTS
from mammobench.tuning.proposer import reference_config


def checked_options(declared: Mapping[str, Declared], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of declared options; those that are not named are asked their defaults.

    Args:
        declared: Options by name.
        asked: Values by name, others beside them; a path may be a `Path`.

    Raises:
        ConfigError: For a value that its option does not take.
    """
    found = {}
    for name, option in declared.items():
        value = asked.get(name, option.default)
        value = str(value) if isinstance(value, Path) else value
        try:
            found[name] = value if value is None else TypeAdapter(option.hint).validate_python(value)
        except ValidationError as error:
            fault = first_fault(error).removeprefix("Input should be ")
            expected = fault.replace("greater than 0", "more than 0")
            raise ConfigError("wrong value", where=option.flag, expected=expected, found=value) from None
    return found


def asked_space(
    space: SearchSpace, *, objectives: Sequence[str], trials: int | None, split: str | None = None
) -> SearchSpace:
    """Return the space with what the caller asked otherwise.

    Raises:
        ConfigError: For no trials, an objective or a split that there is not, or a split where the space
            searches it.
        SpaceError: For a space that searches what decides the split.
    """
    require_one_split(space)
    if split is not None:
        if any(item.key == "data.split" for item in space.hyperparameters):
            raise ConfigError(
                "the space searches data.split itself",
                where="--split",
                expected="a space that leaves the split to be chosen for it",
                remedy="Leave --split out, or take data.split out of the space's search section",
            )
        space = replace(space, base={**space.base, "data.split": split})
        TrialConfig.from_values(space.fixed)
    if trials is not None and trials < 1:
        raise ConfigError("nothing to search", where="--trials", expected="1 or more", found=trials)
    known = (*OBJECTIVES, *COSTS)
    for objective in objectives:
        if objective not in known:
            raise ConfigError(
                f"unknown objective{nearest(objective, list(known))}",
                where="--objective",
                expected=f"one of {', '.join(known)}",
                found=repr(objective),
            )
    if len(set(objectives)) < len(objectives):
        raise ConfigError("an objective stands twice", where="--objective", found=", ".join(objectives))
    if objectives and objectives[0] in COSTS:
        raise ConfigError(
            "the first objective decides which epoch's weights are kept",
            where="--objective",
            expected=f"first one of {', '.join(OBJECTIVES)}",
            found=repr(objectives[0]),
            remedy=f"Write --objective {space.objective} --objective {objectives[0]}",
        )
    budget = replace(space.budget, trials=trials or space.budget.trials)
    return replace(space, objective=objectives[0] if objectives else space.objective, budget=budget)


def require_positive(**values: float | None) -> None:
    """Refuse numbers that are not above 0.

    Raises:
        ConfigError: With the argument's name.
    """
    for name, value in values.items():
        if value is not None and value <= 0:
            raise ConfigError(
                "wrong value", where=f"--{name.replace('_', '-')}", expected="more than 0", found=value
            )


def require_usable(store: ImageStore, space: SearchSpace) -> tuple[str, ...]:
    """Refuse a store that cannot serve the space, before anything is written for the study.

    Returns:
        What to warn of: parts of the split that are far from the shares that were asked for.

    Raises:
        DataError: Where it cannot.
    """
    if space.image_size > store.manifest.image_size:
        raise DataError(
            "the space asks for larger images than the store holds",
            where=store.path,
            expected=f"images of {space.image_size} px or more",
            found=f"{store.manifest.image_size} px",
            remedy="Choose a smaller image_size",
        )
    data = reference_config(space).data
    return share_warnings(make_split(store, data), data)
