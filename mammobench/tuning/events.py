"""What an observer of a search is told."""

from dataclasses import dataclass

from mammobench.study.trial_record import TrialRecord
from mammobench.training.process import EpochEnd, StepEnd, TrialEnd


@dataclass(frozen=True)
class TrialStart:
    """A trial has been started, or goes on after an interruption."""

    record: TrialRecord


@dataclass(frozen=True)
class TrialSeen:
    """The record has news of a trial that another worker runs or has run."""

    record: TrialRecord


Event = TrialStart | StepEnd | EpochEnd | TrialEnd | TrialSeen
"""Any of them; those of a step, an epoch and an end come from the trial's process."""
