import json
from typing import Any

import numpy as np
import pytest

from mammobench.cli.printing import print_json


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ({"low": float("nan"), "size": float("inf"), "n": 3}, {"low": None, "size": None, "n": 3}),
        (
            {"deep": [{"x": (np.float64("nan"), np.float32(0.5), np.int64(7))}]},
            {"deep": [{"x": [None, 0.5, 7]}]},
        ),
        ([True, None, "Größe", -0.25], [True, None, "Größe", -0.25]),
    ],
)
def test_what_json_cannot_hold_is_null(value: Any, printed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    print_json(value)
    assert json.loads(capsys.readouterr().out) == printed
