"""A checkpoint an epoch: the whole state of a training, so that going on equals never having stopped."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mammobench.core.errors import TrialError
from mammobench.core.files import written_aside

Array = npt.NDArray[Any]
History = list[dict[str, Any]]

_KEPT = "kept_"


@dataclass(frozen=True)
class Best:
    """The best epoch so far.

    Attributes:
        epoch: Its number, from 1; 0 before the first.
        objective: Its validation objective.
        variables: The model's variables after it.
    """

    epoch: int = 0
    objective: float | None = None
    variables: tuple[Array, ...] = ()


class Checkpoint:
    """One file with the model's and the optimizer's variables, random states, best weights and history.

    The state is copied when an epoch ends and written while the next one trains.

    Args:
        path: The file, an ``.npz``.
        model: A compiled model whose optimizer is built.
        identity: What the training follows from; only a state of the same identity is restored.
    """

    def __init__(self, path: Path, model: keras.Model, *, identity: str) -> None:
        self._path = path
        self._model = model
        self._identity = identity
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None
        self.kept: dict[str, Array] = {}
        """What the last state that was restored or saved has besides, by name; see `save`."""

    def restore(self) -> tuple[History, Best]:
        """Load an earlier state into the model; return an empty history where there is none or it is torn.

        Raises:
            TrialError: When the state is of another training.
        """
        try:
            with self._path.open("rb") as file, np.load(file) as saved:
                head = json.loads(str(saved["head"]))
                if head["identity"] != self._identity:
                    raise TrialError(
                        "the checkpoint is of another training",
                        where=self._path,
                        expected="one of the same configuration, seed and images",
                        remedy="Remove it to train from the start",
                    )
                current = [saved[f"current_{index}"] for index in range(len(self._state()))]
                variables = tuple(saved[f"best_{index}"] for index in range(len(self._model.variables)))
                kept = {name[len(_KEPT) :]: saved[name] for name in saved.files if name.startswith(_KEPT)}
        except (FileNotFoundError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
            return [], Best()
        for variable, value in zip(self._state(), current, strict=True):
            variable.assign(value)
        self.kept = kept
        return head["history"], Best(head["best_epoch"], head["best_objective"], variables)

    def save(
        self, history: History, best: Best, *, better: bool, kept: Mapping[str, Array] | None = None
    ) -> Best:
        """Write the state after the last epoch of `history`; return the best epoch, this one if `better`.

        Args:
            history: One row an epoch.
            best: The best epoch before this one.
            better: Whether this one is better.
            kept: Arrays to restore beside the state, by name; not changed in place any more.

        Raises:
            OSError: When the state before this one could not be written.
        """
        current = [_value(variable) for variable in self._state()]
        if better:
            # the model's variables stand before the optimizer's
            variables = tuple(current[: len(self._model.variables)])
            best = Best(history[-1]["epoch"], history[-1]["objective"], variables)
        head = {
            "identity": self._identity,
            "history": history,
            "best_epoch": best.epoch,
            "best_objective": best.objective,
        }
        arrays = {f"current_{index}": value for index, value in enumerate(current)}
        arrays |= {f"best_{index}": value for index, value in enumerate(best.variables)}
        self.kept = dict(kept or {})
        arrays |= {f"{_KEPT}{name}": value for name, value in self.kept.items()}
        self.wait()
        self._pending = self._writer.submit(self._write, arrays | {"head": np.array(json.dumps(head))})
        return best

    def wait(self) -> None:
        """Return when the last state is on disk.

        Raises:
            OSError: When it could not be written.
        """
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def _write(self, arrays: dict[str, Array]) -> None:
        with written_aside(self._path) as aside:
            np.savez(aside, allow_pickle=False, **arrays)

    def load_best(self, best: Best) -> None:
        """Give the model the weights of its best epoch."""
        for variable, value in zip(self._model.variables, best.variables, strict=True):
            variable.assign(value)

    def _state(self) -> Sequence[keras.Variable]:
        return [*self._model.variables, *self._model.optimizer.variables]


def _value(variable: keras.Variable) -> Array:
    # a copy: on the CPU the array may share the variable's memory
    return np.array(keras.ops.convert_to_numpy(variable.value))
