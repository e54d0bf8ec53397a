"""CMA-ES's state between generations, as JSON.

Optuna keeps it as a pickle in a trial's system attributes. A pickle in a record that others write to as well
runs whatever it holds when it is read, and this one differs from run to run: part of it was never filled.
"""

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

_PICKLE = "cma:optimizer:"  # followed by the number of the piece, as Optuna writes it
_STATE = "cma:state"
_HISTORY = "_funhist_values"  # for `should_stop`, which Optuna does not ask; uninitialised until it is full


def to_json(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's system attributes with CMA-ES's pickle, if there is one, as plain numbers."""
    pieces = sorted(
        (int(key.removeprefix(_PICKLE)), text) for key, text in attributes.items() if key.startswith(_PICKLE)
    )
    plain = {key: value for key, value in attributes.items() if not key.startswith(_PICKLE)}
    if pieces:
        # written by Optuna in this process, a moment ago
        optimizer = pickle.loads(bytes.fromhex("".join(text for _, text in pieces)))  # noqa: S301
        state = sorted(optimizer.__getstate__().items())
        plain[_STATE] = {name: _number(value) for name, value in state if name != _HISTORY}
    return plain


def from_json(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's system attributes as Optuna reads them; the reverse of `to_json`."""
    native = {key: value for key, value in attributes.items() if key != _STATE}
    if _STATE in attributes:
        # loads all of scipy.stats, which a search by any other method does not need
        import cmaes  # noqa: PLC0415

        state = {name: _array(value) for name, value in attributes[_STATE].items()}
        optimizer = cmaes.CMA.__new__(cmaes.CMA)
        optimizer.__setstate__({**state, _HISTORY: np.zeros(2 * state["_funhist_term"])})
        native[f"{_PICKLE}0"] = pickle.dumps(optimizer).hex()
    return native


def _number(value: Any) -> Any:  # noqa: ANN401 - whatever the state is made of
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _array(value: Any) -> Any:  # noqa: ANN401
    return np.array(value, np.float64) if isinstance(value, list) else value
