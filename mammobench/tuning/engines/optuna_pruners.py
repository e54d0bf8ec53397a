"""Optuna's pruners, as `mammobench.tuning.engines.methods` names them, with epochs as their resource.

The first rung is a ninth of the budget, so that there are two rungs below the whole of it.
"""

from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)

from mammobench.core.errors import EngineError
from mammobench.core.registry import resolve
from mammobench.tuning.engines.methods import PRUNERS, pruner_help

_REDUCTION = 3


def make_pruner(name: str, *, max_epochs: int, objectives: int) -> BasePruner:
    """Build a pruner.

    Args:
        name: Of `methods.PRUNERS`.
        max_epochs: The whole budget of a trial.
        objectives: How many there are.

    Raises:
        EngineError: For an unknown pruner, for several objectives, and for one that is of no use here.
    """
    if name not in PRUNERS:
        raise EngineError(f"unknown pruner {name!r}", expected=f"one of {', '.join(PRUNERS)}")
    if objectives > 1 and name != "none":
        raise EngineError(
            f"the pruner {name} compares trials by one objective",
            found=f"{objectives} objectives",
            remedy="Use --pruner none",
        )
    pruner = PRUNERS[name]
    if pruner.refused:
        *others, last = pruner_help().removeprefix("none, ").split(", ")
        raise EngineError(
            f"the pruner {name} {pruner.refused}",
            remedy=f"Use --pruner {', '.join(others)} or {last}",
        )
    made: BasePruner = resolve(pruner.where)(max_epochs)
    return made


def none(max_epochs: int) -> BasePruner:  # noqa: ARG001 - as the others
    """Return what stops nothing."""
    return NopPruner()


def median(max_epochs: int) -> BasePruner:
    """Return the median rule."""
    return MedianPruner(n_startup_trials=5, n_warmup_steps=_first_rung(max_epochs))


def asha(max_epochs: int) -> BasePruner:
    """Return asynchronous successive halving."""
    return SuccessiveHalvingPruner(min_resource=_first_rung(max_epochs), reduction_factor=_REDUCTION)


def hyperband(max_epochs: int) -> BasePruner:
    """Return Hyperband."""
    return HyperbandPruner(_first_rung(max_epochs), max_epochs, _REDUCTION)


def _first_rung(max_epochs: int) -> int:
    return max(1, max_epochs // _REDUCTION**2)
