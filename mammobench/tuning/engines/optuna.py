"""Optuna's samplers, pruners and terminator as an engine.

They work on a study in memory, which the record of trials rebuilds, and on generators made anew for each
trial: a proposal depends on the seed, the number and what has been told, and on nothing else.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal, require_in_space
from mammobench.tuning.engines.optuna_draw import Drawn, Suggestions, Told
from mammobench.tuning.engines.optuna_memory import Memory
from mammobench.tuning.engines.optuna_pruners import make_pruner
from mammobench.tuning.engines.optuna_samplers import Samplers
from mammobench.tuning.engines.optuna_terminator import Terminator

_STATES = {
    "finished": TrialState.COMPLETE,
    "infeasible": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class OptunaEngine(Engine):
    """A sampler, a pruner and, if wanted, a terminator of Optuna's.

    No configuration is proposed twice, in a space of any size: a trial that failed fails again, and one that
    finished would teach what is known.

    Args:
        space: What to search; its budget's epochs are the pruner's resource.
        directions: Of the objectives.
        seed: The study's seed.
        sampler: Of `methods.OPTUNA`.
        pruner: Of `methods.PRUNERS`; one objective only.
        constraints: How many constraint values finished and infeasible trials have.
        terminate: Whether `settled` is to judge; one objective only.

    Raises:
        EngineError: For what the sampler, the pruner or the terminator cannot do, and for a missing package.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        directions: Sequence[Direction],
        seed: int,
        sampler: str = "tpe",
        pruner: str = "none",
        constraints: int = 0,
        terminate: bool = False,
    ) -> None:
        if terminate and len(directions) > 1:
            raise EngineError(
                "the terminator judges one objective",
                found=f"{len(directions)} objectives",
                remedy="Search for a number of trials, or for a time",
            )
        self._space, self._size = space, space.size
        self._objectives, self._constraints = len(directions), constraints
        self._samplers = Samplers(sampler, space, objectives=len(directions), seed=seed)
        self._max_epochs = space.budget.max_epochs
        self._prunes = pruner != "none"
        # a study has a sampler, and what asks a pruner draws nothing
        self._no_sampler = RandomSampler(seed=0)
        self._pruner = make_pruner(pruner, max_epochs=self._max_epochs, objectives=len(directions))
        self._terminator = Terminator(directions[0], regret=sampler == "gp", seed=seed) if terminate else None
        self._memory = Memory(name=f"mammobench-{seed}", directions=directions)
        self._known: set[int] = set()
        self._ended: set[int] = set()
        self._condemned: set[int] = set()
        self._tried: set[tuple[tuple[str, Any], ...]] = set()

    def propose(self, number: int) -> Proposal | NoProposal:
        """Draw a configuration that has not been tried."""
        if len(self._tried) >= self._size:
            return NoProposal.USED_UP
        trial = self._memory.begin(number)
        for attempt in itertools.count():
            study = self._memory.study(self._samplers.make(number, attempt), self._pruner)
            drawn = Drawn(study, trial)
            values = self._space.suggest(drawn)
            if _key(drawn) not in self._tried:
                break
        proposal = Proposal(number, values, memo=self._memory.notes(number))
        self._enter(number, drawn)
        return proposal

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        """Enter a running trial; what is known already is not entered twice.

        Raises:
            EngineError: For hyperparameters outside the space, and a memo that the sampler has not written.
        """
        number = proposal.number
        if number not in self._known:
            told = self._told(proposal)
            self._memory.begin(number)
            self._memory.restore(number, proposal.memo)
            self._enter(number, told)
        for epoch, value in enumerate(curve, start=1):
            self.report(number, epoch, value)

    def report(self, number: int, epoch: int, value: float) -> None:
        """Note a value and let the pruner see it.

        A pruner notes the rungs that a trial has reached, whatever it decides: reports told again when a
        record is replayed leave the same notes. Trials outside the space, and epochs already told, are left
        out.
        """
        if number not in self._known - self._ended:
            return
        if epoch <= (self._memory.trial(number).last_step or 0):
            return
        self._memory.report(number, epoch, value)
        if not self._prunes:
            return
        study = self._memory.study(self._no_sampler, self._pruner)
        if self._pruner.prune(study, self._memory.trial(number)) and epoch < self._max_epochs:
            self._condemned.add(number)
        else:
            self._condemned.discard(number)

    @property
    def stops(self) -> bool:
        """Whether there is a pruner."""
        return self._prunes

    def should_stop(self, number: int) -> bool:
        """Return what the pruner said at the trial's last report; the last epoch ends a trial by itself."""
        return number in self._condemned

    def learn(self, outcome: Outcome) -> None:
        """Tell the sampler and the pruner what became of a trial; what is known already is not told twice.

        Raises:
            EngineError: For another number of objectives or constraints than was agreed on; as in `resume`.
        """
        number = outcome.proposal.number
        if number in self._ended:
            return
        if outcome.state in {"finished", "infeasible"} and len(outcome.constraints) != self._constraints:
            raise EngineError(
                f"trial {number} has the wrong number of constraints",
                expected=self._constraints,
                found=len(outcome.constraints),
            )
        objectives = outcome.objectives if outcome.state == "finished" else None
        if outcome.state == "finished" and len(objectives or ()) != self._objectives:
            raise EngineError(
                f"trial {number} has the wrong number of objectives",
                expected=self._objectives,
                found=len(objectives or ()),
            )
        self.resume(outcome.proposal, outcome.curve)
        self._memory.end(number, _STATES[outcome.state], objectives, outcome.constraints)
        self._ended.add(number)
        self._condemned.discard(number)

    def settled(self) -> str | None:
        """Return the terminator's reason."""
        return self._terminator.reason(self._memory.trained()) if self._terminator else None

    def _told(self, proposal: Proposal) -> Told:
        require_in_space(self._space, proposal.values)
        earlier = self._memory.notes_before(proposal.number)
        self._samplers.check_notes(proposal.number, proposal.memo, earlier)
        told = Told(proposal.values)
        self._space.suggest(told)
        return told

    def _enter(self, number: int, suggestions: Suggestions) -> None:
        self._memory.fill(number, suggestions.values, suggestions.distributions)
        self._known.add(number)
        self._tried.add(_key(suggestions))


def _key(suggestions: Suggestions) -> tuple[tuple[str, Any], ...]:
    return tuple(suggestions.values.items())
