"""What two starts of one new study at once left in a journal, and the record that can be made of it.

Up to version 0.2 a start removed the journal of another one that had made the study in the same moment. The
search whose journal was gone went on: it appended to the new one what it did to trials of which only the old
one told, saw nothing of what it had appended, and ended with an error. Optuna passes over what tells of
trials that are not there, and takes the rest for news of other trials.

All that such a search has written was written from what it saw last. So what it says of its trial with the
id 3 is of trial 3, whatever trial the journal counts as the fourth; and the trials that it entered never ran.
"""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from mammobench.core.errors import MammobenchError
from mammobench.core.seeds import derive_seed
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import parse_space
from mammobench.study.filenames import SPEC, trial_folder
from mammobench.study.spec import StudySpec
from mammobench.study.storage.journal_lines import Operation
from mammobench.study.trial_entry import attributes_of, new_trial
from mammobench.study.trial_record import TrialRecord, read_trial
from mammobench.training.filenames import CONFIG, HISTORY, PREDICTIONS
from mammobench.training.task import Trial
from mammobench.tuning.engines.base import NoProposal, Outcome, Proposal
from mammobench.tuning.proposer import engine_of, proposal_of, reference_config

Event = Mapping[str, Any]
_OF_TRIALS = range(Operation.SET_TRIAL_PARAM, Operation.SET_TRIAL_SYSTEM_ATTR + 1)
_ENDED = {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}


@dataclass(frozen=True)
class Strays:
    """What of a journal tells of studies or trials that are not in it.

    Attributes:
        lines: The places of those records, from 1.
        writers: Who wrote them; nothing else that they wrote of trials can be believed either.
        told: What the writers say of their own trials, by number, in order.
    """

    lines: tuple[int, ...] = ()
    writers: frozenset[str] = frozenset()
    told: Mapping[int, Sequence[Event]] = field(default_factory=dict)

    @classmethod
    def among(cls, events: Sequence[Event]) -> "Strays":
        """Read a journal's records as Optuna does, and note what it passes over."""
        names: dict[str, int] = {}
        ended: list[bool] = []
        lines, writers = [], set()
        for line, event in enumerate(events, 1):
            operation = event["op_code"]
            if operation == Operation.CREATE_STUDY:
                # made twice: its writer has read the whole journal, and goes by the first
                known = event["study_name"] not in names
                names.setdefault(event["study_name"], len(names))
                lines += [] if known else [line]
                continue
            if operation in _OF_TRIALS:
                trial = event["trial_id"]
                astray = trial >= len(ended)
                if not astray and ended[trial]:
                    lines.append(line)
                elif not astray and operation == Operation.SET_TRIAL_STATE_VALUES:
                    ended[trial] = event["state"] in _ENDED
            else:
                astray = event.get("study_id", 0) >= len(names)
                if not astray and operation == Operation.CREATE_TRIAL:
                    ended.append(event.get("state") in _ENDED)
            if astray:
                lines.append(line)
                writers.add(event["worker_id"])
        told: dict[int, list[Event]] = {}
        for event in events:
            if event["worker_id"] in writers and event["op_code"] in _OF_TRIALS:
                told.setdefault(event["trial_id"], []).append(event)
        return cls(tuple(lines), frozenset(writers), told)

    def believed(self, events: Sequence[Event]) -> list[Event]:
        """Return the records without what the writers say of trials.

        The trials that they entered stay, since later searches count them.
        """
        return [
            event
            for line, event in enumerate(events, 1)
            if line not in self.lines
            and not (event["worker_id"] in self.writers and event["op_code"] in _OF_TRIALS)
        ]


def recovered(
    trials: Sequence[FrozenTrial], strays: Strays, spec: StudySpec, folder: Path
) -> list[FrozenTrial]:
    """Return the trials of a record from number 0 to the first that is missing, lost entries made again.

    A search numbers a trial by how many there are, so that behind a missing one it would enter one number for
    ever. A trial follows from the study's description and the trials before it: one whose entry is lost is
    proposed again, and taken where its configuration and seed are those that its files name.

    Args:
        trials: What can be believed of the record; of several attempts of a number, the first that has ended
            counts, else the last.
        strays: What else its writers said.
        spec: What was asked of the study.
        folder: The study's folder, with the files of trials.
    """
    space = parse_space(json.dumps(spec.space), folder / SPEC, recorded=True)
    entered: dict[int, FrozenTrial] = {}
    for trial in trials:
        # what it says itself: entries before it may be gone
        said = attributes_of(trial).get("number")
        said = said if type(said) is int else trial.number
        before = entered.get(said)
        if before is None or before.state not in _ENDED:
            entered[said] = trial
    known: list[FrozenTrial] = []
    for number in range(1 + max([*entered, *strays.told], default=-1)):
        found = entered.get(number)
        if found is None or found.state not in _ENDED:
            found = _made_again(number, known, strays, spec, space, folder) or found
        if found is None:
            break
        known.append(found)
    return known


def _made_again(
    number: int,
    known: Sequence[FrozenTrial],
    strays: Strays,
    spec: StudySpec,
    space: SearchSpace,
    folder: Path,
) -> FrozenTrial | None:
    """Return the entry of a trial, ended as its writers told, if its files are there; else None."""
    files = trial_folder(folder, number)
    records = [
        read_trial(trial, space, study=folder, objectives=spec.objectives, number=place)
        for place, trial in enumerate(known)
    ]
    try:
        document = json.loads((files / CONFIG).read_text(encoding="utf-8"))
        named = TrialConfig.model_validate(document["config"]), document["seed"]
        proposal, config = _proposed(number, records, spec, space)
    except (OSError, ValueError, KeyError, TypeError, LookupError, MammobenchError):
        return None
    seed = derive_seed(spec.seed, number, "trial")
    if proposal.continues is not None:
        seed = records[proposal.continues].seed
    if named != (config, seed) or document.get("fingerprint") != spec.fingerprint:
        return None
    asked = Trial(number=number, config=config, seed=seed, until=proposal.epochs)
    trial = new_trial(
        space, proposal.values, asked, role="searched" if number else "reference",
        split=document["split"], ask=0.0, continues=proposal.continues, memo=proposal.memo,
    )  # fmt: skip
    for event in strays.told.get(number, ()):
        operation = event["op_code"]
        if operation == Operation.SET_TRIAL_INTERMEDIATE_VALUE:
            trial.intermediate_values[event["step"]] = event["intermediate_value"]
        elif operation == Operation.SET_TRIAL_USER_ATTR:
            trial.set_user_attr(*next(iter(event["user_attr"].items())))
        elif operation == Operation.SET_TRIAL_STATE_VALUES and event["state"] in _ENDED:
            if event["state"] == TrialState.FAIL or (files / PREDICTIONS).exists():
                trial.state = TrialState(event["state"])
                trial.values = event["values"]
                trial.datetime_complete = datetime.fromisoformat(event["datetime_complete"])
                # what was told of its first epochs may have gone with the old journal
                trial.intermediate_values = {**_curve(files), **trial.intermediate_values}
            break
    return trial


def _curve(files: Path) -> dict[int, float]:
    """Return the objective after each epoch, from a trial's history; nothing where that cannot be read."""
    try:
        with (files / HISTORY).open(encoding="utf-8", newline="") as file:
            rows = ((int(row["epoch"]), float(row["objective"])) for row in csv.DictReader(file))
            return {epoch: value for epoch, value in rows if math.isfinite(value)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}


def _proposed(
    number: int, records: Sequence[TrialRecord], spec: StudySpec, space: SearchSpace
) -> tuple[Proposal, TrialConfig]:
    """Return what a search of the study proposes after these trials, as `mammobench.tuning.proposer` does."""
    if number == 0:
        config = reference_config(space)
        proposal = Proposal(0, space.values_of(config) or {})
    else:
        engine = engine_of(spec, space)
        for record in records:
            if not record.in_space:
                continue
            proposal = proposal_of(record)
            if record.state == "running":
                engine.resume(proposal, record.curve)
            else:
                engine.learn(
                    Outcome(proposal, record.state, record.objectives, record.curve, record.constraints)
                )
        answer = engine.propose(number)
        if isinstance(answer, NoProposal):
            raise LookupError(number)
        proposal, config = answer, space.config(answer.values)
    training = config.training.model_copy(update={"precision": spec.precision})
    return proposal, config.model_copy(update={"training": training})
