"""Optuna's pruners by name, with epochs as their resource.

| name | stops a trial |
|---|---|
| none | never |
| median | whose best epoch so far is worse than the median of finished trials at this epoch |
| asha | that is not in the best third at epochs r, 3r, 9r... (Li et al. 2020) |
| hyperband | as asha, in brackets that begin to stop at r, 3r, 9r... (Li et al. 2018) |

The first rung r is a ninth of the budget, so that there are two rungs below the whole of it.
"""

from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)

from mammobench.core.errors import EngineError

PRUNERS = ("none", "median", "asha", "hyperband", "wilcoxon")

_REDUCTION = 3


def make_pruner(name: str, *, max_epochs: int, objectives: int) -> BasePruner:
    """Build a pruner.

    Args:
        name: One of `PRUNERS`.
        max_epochs: The whole budget of a trial.
        objectives: How many there are.

    Raises:
        EngineError: For an unknown pruner, for several objectives, and for ``wilcoxon``.
    """
    if name not in PRUNERS:
        raise EngineError(f"unknown pruner {name!r}", expected=f"one of {', '.join(PRUNERS)}")
    if name == "none":
        return NopPruner()
    if objectives > 1:
        raise EngineError(
            f"the pruner {name} compares trials by one objective",
            found=f"{objectives} objectives",
            remedy="Use --pruner none",
        )
    first_rung = max(1, max_epochs // _REDUCTION**2)
    match name:
        case "median":
            return MedianPruner(n_startup_trials=5, n_warmup_steps=first_rung)
        case "asha":
            return SuccessiveHalvingPruner(min_resource=first_rung, reduction_factor=_REDUCTION)
        case "hyperband":
            return HyperbandPruner(first_rung, max_epochs, _REDUCTION)
        case _:
            raise EngineError(
                "the pruner wilcoxon asks whether a trial is worse than the best one over paired results "
                "that are independent, such as the folds of a cross-validation; the epochs of one training "
                "are not, and its p-values would mean nothing",
                remedy="Use --pruner median, asha or hyperband",
            )
