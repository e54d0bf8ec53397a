"""Optuna's RDBStorage, which enters, reads and ends a trial in few statements."""

import copy
import json
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Row, Table, insert, or_, select
from sqlalchemy.orm import Session

_TRIALS, *_PARTS = (
    cast("Table", model.__table__)
    for model in (
        models.TrialModel,
        models.TrialParamModel,
        models.TrialValueModel,
        models.TrialIntermediateValueModel,
        models.TrialUserAttributeModel,
        models.TrialSystemAttributeModel,
    )
)
_PARAMS, _VALUES, _STEPS, _USER, _SYSTEM = _PARTS


class BulkRecord(RDBStorage):
    """Optuna's tables and calls; only how trials are entered, read and ended differs.

    Optuna looks up the trial, and its study's other trials, before each parameter and attribute that it
    writes. A trial that is entered with all of them at once needs one statement for each kind. And it maps
    every row that it reads to an object first, which takes longer than the database does.
    """

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> models.TrialModel:
        if template_trial is None:
            return super()._get_prepared_new_trial(study_id, None, session)
        bare = copy.copy(template_trial)
        bare.params, bare.distributions, bare.user_attrs, bare.system_attrs = {}, {}, {}, {}
        trial = super()._get_prepared_new_trial(study_id, bare, session)
        trial_id = trial.trial_id
        rows: list[tuple[type[models.BaseModel], list[dict[str, Any]]]] = [
            (models.TrialParamModel, [_param(template_trial, name) for name in template_trial.params]),
            (models.TrialUserAttributeModel, _attributes(template_trial.user_attrs)),
            (models.TrialSystemAttributeModel, _attributes(template_trial.system_attrs)),
            # one that ran without a heartbeat would never be missed
            (models.TrialHeartbeatModel, [{}] if template_trial.state == TrialState.RUNNING else []),
        ]
        for model, several in rows:
            if several:
                session.execute(insert(model), [{"trial_id": trial_id, **row} for row in several])
        return trial

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        trials, newer = _TRIALS.c, _TRIALS.c.trial_id > trial_id_greater_than
        older = [number for number in included_trial_ids if number <= trial_id_greater_than]
        query = select(_TRIALS).where(trials.study_id == study_id, or_(trials.trial_id.in_(older), newer))
        with _create_scoped_session(self.scoped_session) as session:
            found = session.execute(query.order_by(trials.trial_id)).all()
            if not found:
                # Optuna's error where there is no such study
                models.StudyModel.find_or_raise_by_id(study_id, session)
            ids = [row.trial_id for row in found]
            parts = {table: _rows_of(session, table, ids) for table in _PARTS} if ids else {}
        frozen = [_frozen(row, {table: rows[row.trial_id] for table, rows in parts.items()}) for row in found]
        return [trial for trial in frozen if states is None or trial.state in states]

    def close_trial(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        attributes: Mapping[str, Any],
    ) -> bool:
        """Write a trial's last user attributes with its state; see `set_trial_state_values`."""
        with _create_scoped_session(self.scoped_session) as session:
            for key, value in attributes.items():
                self._set_trial_attr_without_commit(
                    session, models.TrialUserAttributeModel, trial_id, key, value
                )
            # in the same session, whose transaction it commits
            return self.set_trial_state_values(trial_id, state, values)


def _rows_of(session: Session, table: Table, trial_ids: list[int]) -> dict[int, list[Row[Any]]]:
    rows: dict[int, list[Row[Any]]] = defaultdict(list)
    query = select(table).where(table.c.trial_id.in_(trial_ids)).order_by(*table.primary_key)
    for row in session.execute(query):
        rows[row.trial_id].append(row)
    return rows


def _frozen(trial: Row[Any], parts: Mapping[Table, list[Row[Any]]]) -> FrozenTrial:
    value_of = models.TrialValueModel.stored_repr_to_value
    step_of = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
    values = sorted(parts[_VALUES], key=lambda row: row.objective)
    distributions = {row.param_name: _distribution(row.distribution_json) for row in parts[_PARAMS]}
    return FrozenTrial(
        number=trial.number,
        state=trial.state,
        value=None,
        values=[value_of(row.value, row.value_type) for row in values] or None,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params={
            row.param_name: distributions[row.param_name].to_external_repr(row.param_value)
            for row in parts[_PARAMS]
        },
        distributions=distributions,
        user_attrs={row.key: json.loads(row.value_json) for row in parts[_USER]},
        system_attrs={row.key: json.loads(row.value_json) for row in parts[_SYSTEM]},
        intermediate_values={
            row.step: step_of(row.intermediate_value, row.intermediate_value_type) for row in parts[_STEPS]
        },
        trial_id=trial.trial_id,
    )


@lru_cache
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _param(trial: FrozenTrial, name: str) -> dict[str, Any]:
    distribution = trial.distributions[name]
    return {
        "param_name": name,
        "param_value": distribution.to_internal_repr(trial.params[name]),
        "distribution_json": distribution_to_json(distribution),
    }


def _attributes(named: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in named.items()]
