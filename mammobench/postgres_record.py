"""Optuna's RDBStorage, which enters and ends a trial in one transaction of few statements."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import insert
from sqlalchemy.orm import Session


class BulkRecord(RDBStorage):
    """Optuna's tables and calls; only how a trial is entered and ended differs.

    Optuna looks up the trial, and its study's other trials, before each parameter and attribute that it
    writes. A trial that is entered with all of them at once needs one statement for each kind.
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


def _param(trial: FrozenTrial, name: str) -> dict[str, Any]:
    distribution = trial.distributions[name]
    return {
        "param_name": name,
        "param_value": distribution.to_internal_repr(trial.params[name]),
        "distribution_json": distribution_to_json(distribution),
    }


def _attributes(named: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in named.items()]
