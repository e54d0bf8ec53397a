"""CMA-ES that keeps its state between generations as plain numbers.

Optuna keeps it as a pickle in a trial's system attributes and unpickles what it finds there: in a record that
others write to as well, that runs whatever the record holds. Here the state is JSON, on its way out and back,
and one that comes back is held against a new optimizer of the same space: the same names, types and shapes,
finite numbers, and nothing different but what a generation changes.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution

from mammobench.core.errors import EngineError
from mammobench.study.optuna_private import NotingCmaEs

STATE = "cma:state"
"""The system attribute of the state; `GENERATION` is the trial's own generation, a whole number."""

GENERATION = "cma:generation"

_HISTORY = "_funhist_values"  # for `should_stop`, which Optuna does not ask; uninitialised until it is full
_CHANGING = {"_c_1d", "_g", "_mean", "_p_sigma", "_pc", "_sigma"}
_LARGEST = 1e30


class PlainCmaEs(NotingCmaEs):
    """Optuna's CMA-ES, its state JSON in place of a pickle."""

    def note(self, optimizer: Any) -> dict[str, Any]:  # noqa: ANN401 - cmaes is loaded when it is used
        """Return the state under its name."""
        return {STATE: _plain(optimizer)}

    def restore(self, attributes: Mapping[str, Any]) -> Any | None:  # noqa: ANN401 - the same
        """Return the optimizer of a state, where there is one."""
        return _revived(attributes[STATE]) if STATE in attributes else None


def check_state(state: object, space: Mapping[str, BaseDistribution], *, number: int) -> None:
    """Hold a recorded state against what CMA-ES has in this space.

    Args:
        state: What the record has, JSON.
        space: What CMA-ES draws together.
        number: The trial that it was noted with; a generation takes several.

    Raises:
        EngineError: When CMA-ES cannot have written it.
    """
    if not space:
        raise EngineError("a state of CMA-ES, which has no numbers to draw in this space")
    new = _plain(_new_optimizer(len(space)))
    if not isinstance(state, dict) or state.keys() != new.keys():
        raise EngineError(
            "damaged state of CMA-ES", expected=f"the {len(new)} values of an optimizer", found=_shown(state)
        )
    for name, value in state.items():
        alike = _has_form(value, new[name]) and (name in _CHANGING or _is_close(value, new[name]))
        if not alike:
            raise EngineError(
                f"damaged state of CMA-ES ({name})",
                expected=f"{'numbers of the form' if name in _CHANGING else 'the value'} {_shown(new[name])}",
                found=_shown(value),
            )
    if not 0 < state["_g"] <= number or not state["_sigma"] > 0:
        raise EngineError(
            "damaged state of CMA-ES",
            expected=f"a generation from 1 to {number} and a step size above 0",
            found=f"{_shown(state['_g'])} and {_shown(state['_sigma'])}",
        )


def _new_optimizer(dimensions: int) -> Any:  # noqa: ANN401 - the same
    """Return an optimizer as Optuna begins with it: in a unit cube, from its middle."""
    import cmaes  # noqa: PLC0415 - loads all of scipy.stats, which a search by any other method does not need

    return cmaes.CMA(
        mean=np.full(dimensions, 0.5),
        sigma=1 / 6,
        bounds=np.tile([0.0, 1.0], (dimensions, 1)),
        n_max_resampling=10 * dimensions,
    )


def _plain(optimizer: Any) -> dict[str, Any]:  # noqa: ANN401 - cmaes is loaded by Optuna when it is used
    state = sorted(optimizer.__getstate__().items())
    return {
        name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for name, value in state
        if name != _HISTORY
    }


def _revived(state: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the same
    import cmaes  # noqa: PLC0415 - the same

    values = {
        name: np.array(value, np.float64) if isinstance(value, list) else value
        for name, value in state.items()
    }
    optimizer = cmaes.CMA.__new__(cmaes.CMA)
    optimizer.__setstate__({**values, _HISTORY: np.zeros(2 * state["_funhist_term"])})
    return optimizer


def _has_form(value: object, model: object) -> bool:
    """Return whether a value is of the model's type and shape, its numbers finite."""
    if isinstance(model, list):
        return (
            isinstance(value, list)
            and len(value) == len(model)
            and all(_has_form(*pair) for pair in zip(value, model, strict=True))
        )
    if isinstance(model, bool) or model is None:
        return value is model
    kinds = (int,) if isinstance(model, int) else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _is_close(value: Any, model: Any) -> bool:  # noqa: ANN401 - nested lists of numbers, of one form
    if isinstance(model, list):
        return all(_is_close(*pair) for pair in zip(value, model, strict=True))
    return value is model if model is None else math.isclose(value, model, rel_tol=1e-9)


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < _LARGEST else "a huge number"
    return text if len(text) < 60 else f"{text[:60]}..."  # noqa: PLR2004 - a line's worth
