"""`Proposer`: keeps an engine abreast of the record of trials, and enters in it what the engine proposes."""

import time
from collections.abc import Sequence

from optuna.trial import FrozenTrial

from mammobench.core.errors import DataError, EngineError, StudyError
from mammobench.core.seeds import derive_seed
from mammobench.data.splits.split import make_split, split_again
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig, TrialConfig
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.study.record import StudyRecord
from mammobench.study.spec import StudySpec
from mammobench.study.trial_entry import new_trial
from mammobench.study.trial_record import Role, TrialRecord
from mammobench.training.task import Trial
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from mammobench.tuning.engines.making import make_engine
from mammobench.tuning.telling import Teller

_ASKED = {"data.task", "data.image_size", "training.objective", "training.max_epochs"}


class Proposer:
    """What a study tries next.

    Args:
        study: The record.
        store: The images it was made for.
    """

    def __init__(self, study: StudyRecord, store: ImageStore) -> None:
        self._study, self._store, self._space = study, store, study.space
        self.trials: tuple[TrialRecord, ...] = ()
        self.settled: str | None = None
        self._refused = False
        self._splits: dict[DataConfig, str] = {}
        self._start_anew()

    def _start_anew(self) -> None:
        self._teller = Teller(engine_of(self._study.spec, self._space))

    def catch_up(self) -> None:
        """Read the record and tell the engine what it does not know yet."""
        self.trials = self._study.trials
        if any(record.state == "running" and self._teller.has_ended(record.number) for record in self.trials):
            # read as failed in the moment before it was queued again
            self._start_anew()
        for record in self.trials:
            if (record.in_space or record.memo) and not self._teller.has_ended(record.number):
                self._tell(record)

    def _tell(self, record: TrialRecord) -> None:
        proposal = proposal_of(record)
        try:
            if record.state == "running":
                self._teller.tell_running(proposal, record.curve)
            else:
                self._teller.tell_end(
                    Outcome(proposal, record.state, record.objectives, record.curve, record.constraints)
                )
        except EngineError as error:
            raise StudyError(
                f"damaged trial record ({error.problem})",
                where=f"{self._study.folder}, trial {record.number}",
                expected=error.expected,
                found=error.found,
                remedy="Restore the record from a copy; it can be reported as it is",
            ) from None

    @property
    def stops(self) -> bool:
        """Whether the engine may stop running trials."""
        return self._teller.engine.stops

    def should_stop(self, number: int, epoch: int) -> bool:
        """Return whether a running trial is to be stopped after an epoch; see `Teller.should_stop`."""
        self.catch_up()
        return self._teller.should_stop(number, epoch)

    def next(self, trials: int) -> TrialRecord | NoProposal:
        """Enter the next trial in the record as running, and return it; the first is the reference CNN.

        Args:
            trials: Searched trials in all, after which there is nothing to propose.
        """
        if self._refused:
            # who only waits for the others' trials keeps nobody from proposing
            self.catch_up()
            if self.enough(trials):
                return NoProposal.USED_UP
        refused, asked_before = NoProposal.USED_UP, False

        def propose() -> FrozenTrial | None:
            nonlocal refused, asked_before
            if asked_before:
                # the server went away in between, and what the engine proposed then was not entered
                self._start_anew()
            asked_before = True
            answer = self._propose(trials)
            if isinstance(answer, NoProposal):
                refused = answer
                return None
            return answer

        record = self._study.enter(propose)
        self._refused = record is None
        if record is None:
            return refused
        if record.in_space or record.memo:
            self._teller.entered(record.number)
        return record

    def _propose(self, trials: int) -> FrozenTrial | NoProposal:
        self.catch_up()
        if not self.trials:
            return self._reference()
        if self.enough(trials):
            return NoProposal.USED_UP
        self.settled = self._teller.engine.settled()
        if self.settled is not None:
            return NoProposal.USED_UP
        asked = time.perf_counter()
        answer = self._teller.engine.propose(len(self.trials))
        if isinstance(answer, NoProposal):
            if answer is NoProposal.USED_UP:
                self.settled = "the method has nothing more to propose of this space"
            return answer
        seconds = time.perf_counter() - asked
        if answer.reference:
            return self._new_trial(answer, reference_config(self._space), "reference", seconds)
        return self._new_trial(answer, self._space.config(answer.values), "searched", seconds)

    def enough(self, trials: int) -> bool:
        """Return whether the record, as it was read last, has so many searched trials."""
        return sum(record.role == "searched" for record in self.trials) >= trials

    def _reference(self) -> FrozenTrial:
        config = reference_config(self._space)
        values = self._space.values_of(config) or {}
        proposal = Proposal(0, values)
        if values:
            self._teller.engine.resume(proposal)
        return self._new_trial(proposal, config, "reference", 0.0)

    def _new_trial(self, proposal: Proposal, config: TrialConfig, role: Role, ask: float) -> FrozenTrial:
        spec, number = self._study.spec, proposal.number
        training = config.training.model_copy(update={"precision": spec.precision})
        config = config.model_copy(update={"training": training})
        if config.data not in self._splits:
            self._splits[config.data] = provide_split(self._study, self._store, config, self.trials)
        seed = derive_seed(spec.seed, number, "trial") if proposal.seed is None else proposal.seed
        if proposal.continues is not None:
            seed = self.trials[proposal.continues].seed
        return new_trial(
            self._space,
            proposal.values,
            Trial(number=number, config=config, seed=seed, until=proposal.epochs),
            role=role,
            split=self._splits[config.data],
            ask=ask,
            continues=proposal.continues,
            memo=proposal.memo,
        )


def engine_of(spec: StudySpec, space: SearchSpace) -> Engine:
    """Return a study's engine, which knows of no trial yet.

    Raises:
        EngineError: For a method that cannot do what is asked.
    """
    return make_engine(
        space,
        engine=spec.engine,
        sampler=spec.sampler,
        pruner=spec.pruner,
        directions=spec.directions,
        seed=spec.seed,
        constraints=len(spec.limits),
        terminate=spec.stop_when_settled,
        design=spec.design,
    )


def provide_split(
    study: StudyRecord, store: ImageStore, config: TrialConfig, trials: Sequence[TrialRecord]
) -> str:
    """Have the split of a new trial's configuration in the study's folder; return its hash.

    Args:
        study: The study.
        store: The images it was made for.
        config: The configuration.
        trials: Those that the study has; the new one is cut by the same rule as they were.

    Raises:
        DataError: When the store cannot serve the configuration.
    """
    split = make_split(store, config.data)
    first = trials[0] if trials else None
    # a study that began when identical pictures did not share a group goes on with the parts that it has
    if first is not None and (store.identical >= 0).any():
        now, then = (make_split(store, first.config.data, identical=rule).hash for rule in (True, False))
        if first.split == then != now:
            split = make_split(store, config.data, identical=False)
    path = study.split_path(split.hash)
    if not path.exists():
        split.save(path)
    return split.hash


def restore_split(
    study: StudyRecord, store: ImageStore, record: TrialRecord, *, required: bool = True
) -> None:
    """Have the split that a trial was recorded with in the study's folder.

    Args:
        study: The study.
        store: The images it was made for.
        record: The trial.
        required: Whether to raise where that cannot be; a ranking names the trials that it leaves out.

    Raises:
        DataError: When it is not there and the store does not give it any more.
    """
    path = study.split_path(record.split)
    if path.exists():
        return
    split = split_again(store, record.config.data, record.split)
    if split is not None:
        split.save(path)
    elif required:
        raise DataError(
            f"the split of trial {record.number} is missing",
            where=path,
            expected=f"a store that gives the split {record.split[:12]}...",
            found=f"{store.path}, which gives another",
            remedy="Copy the file from a machine that has it. Where groups were recovered since, with "
            "`mammobench data groups`, search into a study of another name",
        )


def proposal_of(record: TrialRecord) -> Proposal:
    """Return the proposal that a recorded trial was."""
    return Proposal(record.number, record.hyperparameters, record.trial.until, record.continues, record.memo)


def reference_config(space: SearchSpace) -> TrialConfig:
    """Return the reference CNN as trial 0 trains it: on the space's task, size, split and epochs."""
    fixed = load_space("reference").base
    kept = {key: space.base[key] for key in space.base if key.startswith("data.") and key != "data.intensity"}
    asked = {key: value for key, value in space.fixed.items() if key in _ASKED}
    loss = {"loss.name": "categorical_crossentropy"} if space.task == "five-class" else {}
    return TrialConfig.from_values({**fixed, **kept, **asked, **loss})
