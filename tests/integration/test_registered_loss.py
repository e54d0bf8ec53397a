"""A loss of another package, registered in a process of its own: one entry is enough."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mammobench.space.config import TrialConfig

POLY = """
import keras
from keras import ops

@keras.saving.register_keras_serializable(package="elsewhere")
class Poly(keras.losses.Loss):
    def __init__(self, *, own_weight, label_smoothing, name="poly_", **kwargs):
        super().__init__(name=name, **kwargs)
        self.own_weight = own_weight

    def call(self, y_true, y_pred):
        right = ops.clip(y_true * y_pred + (1 - y_true) * (1 - y_pred), 1e-7, 1.0)
        return ops.mean(self.own_weight * (1 - right) - ops.log(right), axis=-1)
"""
SCRIPT = '''
import json
from typing import Annotated
from pydantic import Field
from mammobench.space.components import LOSSES
from mammobench.core.registry import register
from mammobench.space.registry import Loss

own = {"own_weight": (Annotated[float, Field(ge=-1, le=10, description="weight of 1 - p")], 1.0)}
shared = ("label_smoothing",)
register(LOSSES, Loss(name="poly_", meaning="Poly-1", where="poly:Poly", shared=shared, own=own))

import sys
from mammobench.space.config import TrialConfig
from mammobench.core.errors import ConfigError
from mammobench.space.yaml_file import parse_space

space = parse_space("""
name: mine
task: malignancy
image_size: 16
search: {loss.name: {choice: [poly_]}, loss.own_weight: {float: [0.0, 2.0], when: {loss.name: poly_}}}
budget: {trials: 1, max_epochs: 1}
""")
try:
    TrialConfig.from_values({"loss.own_weight": 11})
except ConfigError as error:
    refused = str(error)
assert "keras" not in sys.modules

import numpy as np
from mammobench.models.losses import build_loss
config = space.config({"loss.name": "poly_", "loss.own_weight": 2.0})
loss = build_loss(config.loss, classes=2, prior=np.array([0.5, 0.5]))
value = float(loss(np.ones((1, 1), "float32"), np.full((1, 1), 0.5, "float32")))
print(json.dumps({"value": value, "keys": list(config.values()), "refused": refused}))
'''


def test_another_packages_loss_takes_one_entry(tmp_path: Path) -> None:
    (tmp_path / "poly.py").write_text(POLY)
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2], env={"PYTHONPATH": f"{tmp_path}:.", "PATH": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["value"] == pytest.approx(2 * 0.5 + 0.6931472, rel=1e-5)
    known = list(TrialConfig().values())
    place = known.index("optimizer.name")
    assert found["keys"] == [*known[:place], "loss.own_weight", *known[place:]]
    assert "loss.own_weight" in found["refused"]
    assert "less than or equal to 10" in found["refused"]
