"""Optuna's RDBStorage, which enters, reads and ends a trial in few statements."""

import copy
import json
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Row, ScalarSelect, Table, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import aggregate_order_by

from mammobench.core.aliases import Json
from mammobench.core.errors import StudyError

_STUDIES, _TRIALS, _BEATS, *_PARTS = (
    cast("Table", model.__table__)
    for model in (
        models.StudyModel,
        models.TrialModel,
        models.TrialHeartbeatModel,
        models.TrialParamModel,
        models.TrialValueModel,
        models.TrialIntermediateValueModel,
        models.TrialUserAttributeModel,
        models.TrialSystemAttributeModel,
    )
)
_PARAMS, _VALUES, _STEPS, _USER, _SYSTEM = _PARTS


def _rows_as_json(table: Table) -> ScalarSelect[Any]:
    row = aggregate_order_by(table.table_valued(), *table.primary_key)
    return select(func.json_agg(row)).where(table.c.trial_id == _TRIALS.c.trial_id).scalar_subquery()


# a trial and all that belongs to it in one row: what a statement costs is mostly the asking
_WHOLE = select(_TRIALS, *map(_rows_as_json, _PARTS))


class BulkRecord(RDBStorage):
    """Optuna's tables and calls; only how trials are entered, read and ended differs.

    Optuna looks up the trial, and its study's other trials, before each parameter and attribute that it
    writes, and maps every row to an object, which takes longer than the database does. Here a trial is
    entered and ended with one statement for each kind of row, and read with one in all.
    """

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        if template_trial is None:
            return super()._create_new_trial(study_id)
        study = select(_STUDIES.c.study_id).where(_STUDIES.c.study_id == study_id)
        others = select(func.count()).where(_TRIALS.c.study_id == study_id)
        trial = {
            "study_id": study_id,
            "number": others.scalar_subquery(),
            "state": template_trial.state,
            "datetime_start": template_trial.datetime_start,
            "datetime_complete": template_trial.datetime_complete,
        }
        entered = insert(_TRIALS).values(trial).returning(_TRIALS.c.trial_id, _TRIALS.c.number)
        with _create_scoped_session(self.scoped_session) as session:
            # whoever numbers a study's trials does so alone
            if session.execute(study.with_for_update()).first() is None:
                models.StudyModel.find_or_raise_by_id(study_id, session)
            frozen = copy.deepcopy(template_trial)
            frozen._trial_id, frozen.number = session.execute(entered).one()  # noqa: SLF001 - Optuna's way
            for table, rows in _parts_of(template_trial).items():
                if rows:
                    session.execute(insert(table), [{"trial_id": frozen._trial_id, **row} for row in rows])  # noqa: SLF001 - the same
        return frozen

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        trials, newer = _TRIALS.c, _TRIALS.c.trial_id > trial_id_greater_than
        older = [number for number in included_trial_ids if number <= trial_id_greater_than]
        asked = trials.study_id == study_id, or_(trials.trial_id.in_(older), newer)
        with _create_scoped_session(self.scoped_session) as session:
            found = session.execute(_WHOLE.where(*asked).order_by(trials.trial_id)).all()
            if not found:
                # Optuna's error where there is no such study
                models.StudyModel.find_or_raise_by_id(study_id, session)
        return [trial for trial in map(_frozen, found) if states is None or trial.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial as it stands.

        Raises:
            KeyError: Where there is none of the id.
            StudyError: Where its rows are damaged.
        """
        with _create_scoped_session(self.scoped_session) as session:
            found = session.execute(_WHOLE.where(_TRIALS.c.trial_id == trial_id)).first()
            if found is None:
                # Optuna's error where there is no such trial
                models.TrialModel.find_or_raise_by_id(trial_id, session)
        return _frozen(cast("Row[Any]", found))

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return a study's user attributes.

        Raises:
            StudyError: Where one is no JSON.
        """
        try:
            return super().get_study_user_attrs(study_id)
        except (TypeError, ValueError, RecursionError) as error:
            raise StudyError(
                f"damaged study description ({error})",
                where=f"study {study_id} of the database",
                remedy="Restore the database from a copy",
            ) from None

    def close_trial(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        attributes: Mapping[str, Any],
    ) -> bool:
        """Write a trial's last user attributes with its state; see `set_trial_state_values`."""
        if not state.is_finished():
            return super().set_trial_state_values(trial_id, state, values)
        ended = {"state": state, "datetime_complete": datetime.now()}  # noqa: DTZ005 - Optuna's columns have no zone
        unfinished = _TRIALS.c.state.in_([TrialState.RUNNING, TrialState.WAITING])
        query = update(_TRIALS).where(_TRIALS.c.trial_id == trial_id, unfinished).values(ended)
        with _create_scoped_session(self.scoped_session) as session:
            if session.execute(query.returning(_TRIALS.c.trial_id)).first() is None:
                # Optuna's errors for a trial that is not there, or has ended
                trial = models.TrialModel.find_or_raise_by_id(trial_id, session)
                self.check_trial_is_updatable(trial_id, cast("TrialState", trial.state))
            for table, keys, rows in (
                (_USER, ("trial_id", "key"), _attributes(attributes)),
                (_VALUES, ("trial_id", "objective"), _values(values)),
            ):
                if rows:
                    write = postgresql.insert(table)
                    over = {name: write.excluded[name] for name in rows[0] if name not in keys}
                    session.execute(
                        write.on_conflict_do_update(index_elements=keys, set_=over),
                        [{"trial_id": trial_id, **row} for row in rows],
                    )
        return True


def _frozen(trial: Row[Any]) -> FrozenTrial:
    try:
        return _trial_of(trial)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise StudyError(
            f"damaged trial record ({error!r})",
            where=f"trial {trial.number} of study {trial.study_id} of the database",
            remedy="Restore the database from a copy",
        ) from None


def _trial_of(trial: Row[Any]) -> FrozenTrial:
    params, values, steps, user, system = (part or [] for part in trial[-len(_PARTS) :])
    distributions = {row["param_name"]: _distribution(row["distribution_json"]) for row in params}
    return FrozenTrial(
        number=trial.number,
        state=trial.state,
        value=None,
        values=[_value(row) for row in sorted(values, key=itemgetter("objective"))] or None,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params={
            name: distribution.to_external_repr(row["param_value"])
            for row, (name, distribution) in zip(params, distributions.items(), strict=True)
        },
        distributions=distributions,
        user_attrs={row["key"]: _json(row["value_json"]) for row in user},
        system_attrs={row["key"]: _json(row["value_json"]) for row in system},
        intermediate_values={row["step"]: _step(row) for row in steps},
        trial_id=trial.trial_id,
    )


def _json(text: str) -> Json:
    """Return what a text says; None where it is no JSON, which the trial's reader then tells of."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _value(row: Mapping[str, Any]) -> float:
    model = models.TrialValueModel
    # PostgreSQL's JSON writes NaN as text
    value = None if row["value"] is None else float(row["value"])
    return model.stored_repr_to_value(value, model.TrialValueType[row["value_type"]])


def _step(row: Mapping[str, Any]) -> float:
    model = models.TrialIntermediateValueModel
    kind = model.TrialIntermediateValueType[row["intermediate_value_type"]]
    value = None if row["intermediate_value"] is None else float(row["intermediate_value"])
    return model.stored_repr_to_intermediate_value(value, kind)


@lru_cache
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _parts_of(trial: FrozenTrial) -> dict[Table, list[dict[str, Any]]]:
    step_of = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr
    steps = ((step, *step_of(value)) for step, value in trial.intermediate_values.items())
    return {
        _PARAMS: [_param(trial, name) for name in trial.params],
        _VALUES: _values(trial.values),
        _STEPS: [
            {"step": step, "intermediate_value": value, "intermediate_value_type": kind}
            for step, value, kind in steps
        ],
        _USER: _attributes(trial.user_attrs),
        _SYSTEM: _attributes(trial.system_attrs),
        # one that ran without a heartbeat would never be missed
        _BEATS: [{}] if trial.state == TrialState.RUNNING else [],
    }


def _param(trial: FrozenTrial, name: str) -> dict[str, Any]:
    distribution = trial.distributions[name]
    return {
        "param_name": name,
        "param_value": distribution.to_internal_repr(trial.params[name]),
        "distribution_json": distribution_to_json(distribution),
    }


def _attributes(named: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in named.items()]


def _values(values: Sequence[float] | None) -> list[dict[str, Any]]:
    stored = map(models.TrialValueModel.value_to_stored_repr, values or ())
    return [
        {"objective": objective, "value": value, "value_type": kind}
        for objective, (value, kind) in enumerate(stored)
    ]
