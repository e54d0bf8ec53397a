"""KerasTuner's oracles, each with its state set from a record of trials in place of its own files.

Of an oracle only the algorithm is used, ``populate_space``. What ``create_trial`` and ``end_trial`` add to it
(locks that an exception leaves held, files written in place, printing, retries, an end after three failures)
is left aside: `OracleOfRecord.restore` sets what the algorithm reads. Importing this module imports Keras.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

import keras_tuner
import numpy as np
import numpy.typing as npt
from keras_tuner.engine.hyperparameters import Fixed, HyperParameter, Int
from keras_tuner.engine.trial import Trial
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from mammobench.core.errors import EngineError
from mammobench.core.seeds import generator
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Outcome, Proposal
from mammobench.tuning.engines.keras_tuner_private import BoundsGiven, SizesGiven, ValuesDrawn
from mammobench.tuning.engines.quick_process import QuickProcess

OBJECTIVE = "objective"
_LARGEST_PROBABILITY = 1 - 1e-9
_DRAWS = 21  # after so many repeats in a row, one of what is left is drawn


@dataclass(frozen=True)
class Recorded:
    """A trial of the record as an oracle needs it.

    Attributes:
        trial: Its id is its number; status RUNNING, COMPLETED or FAILED; its score only if COMPLETED.
        memo: What the oracle that proposed it noted; empty for a trial that no oracle proposed.
        continues: The trial that it was promoted from.
    """

    trial: Trial
    memo: Mapping[str, Any]
    continues: int | None

    @classmethod
    def of(cls, space: SearchSpace, proposal: Proposal, outcome: Outcome | None = None) -> Self:
        """Return a trial as it stands; without an outcome it is running."""
        hyperparameters = keras_tuner.HyperParameters.from_config(space.keras_tuner_config(proposal.values))
        trial = Trial(hyperparameters, str(proposal.number), "RUNNING")
        if outcome is not None:
            score = outcome.objectives[0] if outcome.objectives else math.nan
            finite = math.isfinite(score)
            trial.status, trial.score = ("COMPLETED", score) if finite else ("FAILED", None)
        return cls(trial, proposal.memo, proposal.continues)


class OracleOfRecord(ValuesDrawn):
    """What the four oracles share: state from a record, and a finite space searched to its end.

    Args:
        space: What to search.
        direction: ``max`` or ``min``.
        seed: Of this one proposal, above 0 (KerasTuner takes 0 for no seed).
        **options: Of the oracle.
    """

    trials: dict[str, Trial]
    ongoing_trials: dict[str, Trial]

    def __init__(self, space: SearchSpace, *, direction: str, seed: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, direction),
            hyperparameters=keras_tuner.HyperParameters.from_config(space.keras_tuner_config()),
            seed=seed,
            **options,
        )
        self._searched = space
        self._tried: set[frozenset[tuple[str, str]]] = set()
        self._draws = count(seed)

    @classmethod
    def check_memo(cls, space: SearchSpace, proposal: Proposal) -> None:
        """Refuse a memo that comes from a record and that this oracle cannot have written.

        A trial that no oracle proposed has an empty one.

        Raises:
            EngineError: When it is another one.
        """
        if proposal.memo and not cls._may_note(space, proposal):
            raise EngineError(
                f"damaged memo of KerasTuner's {cls.__name__.removesuffix('Oracle').lower()} oracle",
                found=str(proposal.memo)[:60],
            )

    @classmethod
    def _may_note(cls, space: SearchSpace, proposal: Proposal) -> bool:  # noqa: ARG003 - for oracles that note
        return False

    def restore(self, record: Sequence[Recorded]) -> None:
        """Set the state from the trials so far, in the order of their numbers."""
        for recorded in record:
            trial = recorded.trial
            self.trials[trial.trial_id] = trial
            self.start_order.append(trial.trial_id)
            if trial.status == "RUNNING":
                # a worker of its own for each
                self.ongoing_trials[trial.trial_id] = trial
            self._tried.add(_key(trial.hyperparameters.values))

    def memo(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002 - for oracles that need one
        """Return what `restore` must know of the trial that was proposed last."""
        return {}

    @property
    def used_up(self) -> bool:
        """Whether every configuration of the space has been tried."""
        return len(self._tried) >= self._searched.size

    def has_tried(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial has these values."""
        return _key(values) in self._tried

    def random_values(self) -> dict[str, Any] | None:
        """Draw values that have not been tried; None where there are none left."""
        if self.used_up:
            return None
        for _ in count() if math.isinf(self._searched.size) else range(_DRAWS):
            values = self._draw()
            if not self.has_tried(values):
                return values
        return self._draw_from_rest()

    def _draw(self) -> dict[str, Any]:
        drawn = keras_tuner.HyperParameters()
        for kind in self.hyperparameters.space:
            drawn.merge([kind])
            if drawn.is_active(kind):
                drawn.values[kind.name] = kind.random_sample(next(self._draws))
        values: dict[str, Any] = drawn.values
        return values

    def _draw_from_rest(self) -> dict[str, Any]:
        items = {item.key: item for item in self._searched.hyperparameters}
        rest = [
            values
            for configuration in self._searched.configurations()
            if not self.has_tried(
                values := {key: items[key].to_keras_tuner(value) for key, value in configuration.items()}
            )
        ]
        return rest[generator(self.seed, "rest").integers(len(rest))]


class RandomOracle(OracleOfRecord, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class BayesianOracle(OracleOfRecord, BoundsGiven):
    """A Gaussian process with an upper confidence bound (Srinivas et al. 2010).

    The first trials are random, three for each hyperparameter.

    Args:
        space: What to search.
        direction: ``max`` or ``min``.
        seed: Of this one proposal, above 0.
    """

    def __init__(self, space: SearchSpace, *, direction: str, seed: int) -> None:
        points = max(3, 3 * len(space.hyperparameters))
        super().__init__(space, direction=direction, seed=seed, num_initial_points=points)
        self.gpr: QuickProcess = QuickProcess(**self.gpr.get_params(deep=False))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose the best point of the bound, or random values where it has been tried already."""
        if self.used_up:
            return {"status": "STOPPED", "values": None}
        with warnings.catch_warnings(), threadpool_limits(1):
            # a length scale at its bound is usual; one thread gives the same bits on any number of cores
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._fit_to_completed()
            response: dict[str, Any] = super().populate_space(trial_id)
        if response["values"] is not None and self.has_tried(response["values"]):
            response = {"status": "RUNNING", "values": self.random_values()}
        return response

    def _fit_to_completed(self) -> None:
        """Fit the process that guesses what running trials will score.

        KerasTuner guesses with the fit of its last proposal, which the record does not hold.
        """
        completed = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        if not self.ongoing_trials or len(completed) < self.num_initial_points:
            return
        sign = -1 if self.objective.direction == "max" else 1
        points = [[_probability(kind, trial) for kind in self._varied()] for trial in completed]
        self.gpr.fit(np.array(points), np.array([sign * trial.score for trial in completed]))

    def bounds(self) -> npt.NDArray[np.float64]:
        """Return 0 and 1, and a little less for a whole number on a log scale."""
        # at 1 exactly it comes out one too large
        capped = [isinstance(kind, Int) and kind.sampling == "log" for kind in self._varied()]
        return np.array([[0.0, _LARGEST_PROBABILITY if cap else 1.0] for cap in capped])

    def _varied(self) -> list[HyperParameter]:
        return [kind for kind in self.hyperparameters.space if not isinstance(kind, Fixed)]


class HyperbandOracle(OracleOfRecord, SizesGiven):
    """Hyperband (Li et al. 2018), bracket after bracket for as long as it is asked.

    Args:
        space: What to search; its budget's epochs are the longest training.
        direction: ``max`` or ``min``.
        seed: Of this one proposal, above 0.
    """

    def __init__(self, space: SearchSpace, *, direction: str, seed: int) -> None:
        super().__init__(
            space,
            direction=direction,
            seed=seed,
            max_epochs=space.budget.max_epochs,
            hyperband_iterations=None,
        )
        self._lost: set[str] = set()

    @classmethod
    def _may_note(cls, space: SearchSpace, proposal: Proposal) -> bool:
        memo, largest = proposal.memo, int(math.log(space.budget.max_epochs, 3) + 1e-9)
        whole = all(type(value) is int and value >= 0 for value in memo.values())
        if memo.keys() != {"iteration", "bracket", "round"} or not whole:
            return False
        return (
            memo["iteration"] <= proposal.number
            and memo["round"] <= memo["bracket"] <= largest
            and (proposal.continues is None or memo["round"] > 0)
        )

    def restore(self, record: Sequence[Recorded]) -> None:
        """Set the state from the trials so far, in the order of their numbers."""
        super().restore(record)
        for trial_id, trial in self.trials.items():
            if trial.status == "FAILED":
                self._lose(trial_id)
        brackets, current = self._brackets_so_far(), {}
        for recorded in record:
            if not recorded.memo:
                continue
            place = {"iteration": recorded.memo["iteration"], "bracket_num": recorded.memo["bracket"]}
            bracket = next((each for each in brackets if place.items() <= each.items()), None)
            if bracket is None:
                bracket = {**place, "rounds": [[] for _ in range(place["bracket_num"] + 1)]}
                brackets.append(bracket)
                current = {f"current_{key.removesuffix('_num')}": value for key, value in place.items()}
            past = None if recorded.continues is None else str(recorded.continues)
            bracket["rounds"][recorded.memo["round"]].append({"past_id": past, "id": recorded.trial.trial_id})
        self.set_state({**self.get_state(), "brackets": brackets, **current})

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose the next promotion or, where there is none yet, random values.

        A failed trial counts as the worst of its round and its slot in the next stays empty. KerasTuner does
        not count it at all: one failure in a round, and nothing of it is ever promoted to the last.
        """
        if not self._searched.hyperparameters and not self.used_up:
            # no values are the one configuration there is, and not the end of the space
            self._brackets_so_far()[0]["rounds"][-1].append({"past_id": None, "id": trial_id})
            return {"status": "RUNNING", "values": {"tuner/epochs": self.max_epochs}}
        for attempt in count():
            response: dict[str, Any] = super().populate_space(trial_id)
            if (response.get("values") or {}).get("tuner/trial_id") not in self._lost:
                break
            empty = f"{trial_id}.{attempt}"
            self._lose(empty)
            self._entry(trial_id)["id"] = empty
        return response

    def size(self, bracket: int, number: int, usual: int) -> int:
        """Return how many trials a round has; fewer in a bracket that the space has no more values for."""
        if not self.used_up:
            return usual
        last = self._brackets_so_far()[-1:]
        if last and last[0]["bracket_num"] == bracket:
            usual = min(usual, math.ceil(len(last[0]["rounds"][0]) / self.factor**number))
        return usual

    def _lose(self, trial_id: str) -> None:
        lost = Trial(self.hyperparameters, trial_id, "COMPLETED")
        lost.score = -math.inf if self.objective.direction == "max" else math.inf
        self.trials[trial_id] = lost
        self._lost.add(trial_id)

    def memo(self, trial_id: str) -> dict[str, Any]:
        """Return the iteration, bracket and round of the trial that was proposed last."""
        return next(
            {"iteration": bracket["iteration"], "bracket": bracket["bracket_num"], "round": number}
            for bracket, number, entry in self._entries()
            if entry["id"] == trial_id
        )

    def _entry(self, trial_id: str) -> dict[str, Any]:
        return next(entry for _, _, entry in self._entries() if entry["id"] == trial_id)

    def _entries(self) -> Iterator[tuple[dict[str, Any], int, dict[str, Any]]]:
        for bracket in self._brackets_so_far():
            for number, entries in enumerate(bracket["rounds"]):
                for entry in entries:
                    yield bracket, number, entry

    def _brackets_so_far(self) -> list[dict[str, Any]]:
        """Return the oracle's own brackets, each with its iteration; one that is new is of the current."""
        state = self.get_state()
        brackets: list[dict[str, Any]] = state["brackets"]
        for bracket in brackets:
            bracket.setdefault("iteration", state["current_iteration"])
        return brackets


class GridOracle(OracleOfRecord, keras_tuner.oracles.GridSearchOracle):
    """All combinations in order; ten values of a continuous range, and its lower end."""

    @classmethod
    def _may_note(cls, space: SearchSpace, proposal: Proposal) -> bool:  # noqa: ARG003
        return proposal.memo == {"grid": True}

    def restore(self, record: Sequence[Recorded]) -> None:
        """Set the state from the trials so far, in the order of their numbers."""
        super().restore(record)
        # the oracle waits for running trials, which might tell of new hyperparameters; ours never do
        self.ongoing_trials = {}
        self.start_order = [recorded.trial.trial_id for recorded in record if recorded.memo]
        for trial_id in self.start_order[-1:]:
            self._go_on_from(trial_id)

    def _go_on_from(self, trial_id: str) -> None:
        """Have the grid's next combination be the one after a trial's."""
        order, self.start_order = self.start_order, []
        # the first trial of an oracle is what it goes on from; of the answer, its values, nothing is used
        super().populate_space(trial_id)
        self.start_order = order

    def memo(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002
        """Return that the grid was at the trial that was proposed last."""
        return {"grid": True}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose the next combination that has not been tried."""
        for attempt in count():
            place = f"{trial_id}.{attempt}"
            response: dict[str, Any] = super().populate_space(place)
            if response["values"] is None or not self.has_tried(response["values"]):
                break
            # another than the grid tried it: go on from there
            passed = self.hyperparameters.copy()
            passed.values = response["values"]
            self.trials[place] = Trial(passed, place)
            if self.start_order:
                self._go_on_from(place)
            self.start_order.append(place)
        return response


def _key(values: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((key, str(value)) for key, value in values.items())


def _probability(kind: HyperParameter, trial: Trial) -> float:
    """Return where in its range, 0 to 1, a trial's value is; the default's place for one that it has not."""
    known = trial.hyperparameters
    has = known.is_active(kind) and kind.name in known.values
    place: float = kind.value_to_prob(known.values[kind.name] if has else kind.default)
    return place
