"""A trial in a database whose rows Optuna cannot read: what can be known of it, read from its tables."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy
from optuna.trial import TrialState
from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from mammobench.study.storage.shared import DamagedTrial

UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What Optuna raises that reads a row which is none of its own."""

_TRIALS = table("trials", column("trial_id"), column("study_id"), column("number"), column("state"))
_USER, _SYSTEM = (
    table(name, column("trial_id"), column("key"), column("value_json"))
    for name in ("trial_user_attributes", "trial_system_attributes")
)


def trial_ids(session: Session, study_id: int) -> Sequence[int]:
    """Return the ids of a study's trials in the order in which they were entered."""
    of_study = _TRIALS.c.study_id == study_id
    return session.scalars(select(_TRIALS.c.trial_id).where(of_study).order_by(_TRIALS.c.trial_id)).all()


def damaged_trial(session: Session, trial_id: int, error: Exception) -> DamagedTrial | None:
    """Return what is left of a trial that Optuna cannot read, or None where there is none of the id.

    Args:
        session: Of the database.
        trial_id: The trial.
        error: What Optuna raised.
    """
    trial = session.execute(select(_TRIALS).where(_TRIALS.c.trial_id == trial_id)).first()
    if trial is None:
        return None
    rest = DamagedTrial(
        number=trial.number,
        state=TrialState[trial.state],
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs=_attributes(session, _USER, trial_id),
        system_attrs=_attributes(session, _SYSTEM, trial_id),
        intermediate_values={},
        trial_id=trial_id,
    )
    rest.damage = f"{error!r} in the database"
    return rest


def _attributes(session: Session, attributes: sqlalchemy.TableClause, trial_id: int) -> dict[str, Any]:
    known = attributes.c
    rows = session.execute(select(known.key, known.value_json).where(known.trial_id == trial_id))
    return {key: _json(text) for key, text in rows}


def _json(text: Any) -> Any:  # noqa: ANN401 - whatever the column and the JSON hold
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
