"""KerasTuner's oracles as an engine.

For each proposal an oracle is made anew, seeded from (seed, trial number), with its state set from the record
of trials in the order of their numbers: so a search that goes on after a restart proposes what it would have
proposed without one, whatever was running and in whichever order trials ended.
"""

from collections.abc import Sequence

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.registry import resolve
from mammobench.core.seeds import derive_seed
from mammobench.space.search_space import SearchSpace
from mammobench.training.runtime import load_libraries
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal, require_in_space
from mammobench.tuning.engines.methods import KERAS_TUNER


class KerasTunerEngine(Engine):
    """Random search, Bayesian optimisation, Hyperband or grid search by KerasTuner.

    KerasTuner imports Keras and Keras imports TensorFlow: the searching process loads them when the engine is
    made, 10 to 15 seconds and about 700 MiB.

    Args:
        space: What to search.
        sampler: Of `methods.KERAS_TUNER`.
        directions: Of the objective; one only.
        seed: The study's seed.

    Raises:
        EngineError: For an unknown sampler or several objectives.
    """

    def __init__(
        self, space: SearchSpace, *, sampler: str, directions: tuple[Direction, ...], seed: int
    ) -> None:
        if sampler not in KERAS_TUNER:
            raise EngineError(f"unknown sampler {sampler!r}", expected=f"one of {', '.join(KERAS_TUNER)}")
        if len(directions) != 1:
            raise EngineError(
                "KerasTuner optimises one objective",
                found=f"{len(directions)} objectives",
                remedy="Ask for one, or for another engine: --engine optuna",
            )
        load_libraries()
        # not above: whoever does not search with KerasTuner does not wait for it
        from mammobench.tuning.engines.keras_tuner_oracles import Recorded  # noqa: PLC0415

        self._space, self._seed = space, seed
        self._direction = "max" if directions[0] == "maximize" else "min"
        self._oracle, self._entry = resolve(KERAS_TUNER[sampler].where), Recorded.of
        self._record: dict[int, Recorded] = {}

    def propose(self, number: int) -> Proposal | NoProposal:
        """Ask an oracle that knows the record."""
        # KerasTuner takes 0 for no seed
        seed = derive_seed(self._seed, number, "propose") or 1
        oracle = self._oracle(self._space, direction=self._direction, seed=seed)
        oracle.restore([entry for known, entry in sorted(self._record.items()) if known < number])
        response = oracle.populate_space(str(number))
        if response["status"] == "IDLE":
            return NoProposal.WAIT
        if response["status"] == "STOPPED":
            return NoProposal.USED_UP
        values = response["values"]
        past = values.get("tuner/trial_id")
        proposal = Proposal(
            number,
            self._space.from_keras_tuner(values),
            epochs=values.get("tuner/epochs"),
            continues=None if past is None else int(past),
            memo=oracle.memo(str(number)),
        )
        self.resume(proposal)
        return proposal

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:  # noqa: ARG002
        """Enter a running trial into the record; no oracle looks at its epochs.

        Raises:
            EngineError: For values outside the space, and a memo that the oracle has not written.
        """
        self._enter(proposal)

    def learn(self, outcome: Outcome) -> None:
        """Enter what became of a trial; one without a finite objective is not proposed again.

        Raises:
            EngineError: As in `resume`.
        """
        self._enter(outcome.proposal, outcome)

    def _enter(self, proposal: Proposal, outcome: Outcome | None = None) -> None:
        require_in_space(self._space, proposal.values)
        self._oracle.check_memo(self._space, proposal)
        self._record[proposal.number] = self._entry(self._space, proposal, outcome)
