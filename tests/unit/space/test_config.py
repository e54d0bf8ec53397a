from typing import Any

import pytest

from mammobench.core.errors import ConfigError
from mammobench.space.config import KEYS, TrialConfig, nearest


def test_dotted_values_survive_a_round_trip() -> None:
    config = TrialConfig.from_values(
        {"model.filters": [8, 16], "loss.name": "dice", "data.task": "five-class"}
    )
    assert TrialConfig.from_values(config.values()) == config
    assert config.values().keys() == KEYS.keys()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model.filtres": [8]}, "did you mean 'model.filters'"),
        ({"nonsense": 1}, "unknown key"),
        ({"model.dropout": 1.0}, "model.dropout"),
        ({"model.filters": []}, "model.filters"),
        ({"model.filters": [0]}, "model.filters"),
        ({"model.kernel_size": 4}, "odd"),
        ({"optimizer.learning_rate": 0}, "optimizer.learning_rate"),
        ({"optimizer.learning_rate": float("nan")}, "optimizer.learning_rate"),
        ({"loss.name": "mse"}, "binary_crossentropy"),
        ({"data.task": "five-class"}, "five"),
        ({"data.image_size": "big"}, "data.image_size"),
    ],
)
def test_a_wrong_value_names_its_key(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TrialConfig.from_values(values)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TrialConfig().model.dropout = 0.5  # type: ignore[misc]


def test_the_nearest_name_is_offered_only_if_it_is_near() -> None:
    assert nearest("qick", ["quick", "ddsm"]) == " (did you mean 'quick'?)"
    assert not nearest("zzz", ["quick", "ddsm"])


def test_the_keys_of_the_losses_come_first_in_the_order_that_records_have() -> None:
    recorded = [
        "name", "class_weight", "label_smoothing", "gamma", "alpha", "beta", "q", "gamma_positive",
        "gamma_negative", "clip", "tau", "margin",
    ]  # fmt: skip
    keys = [key.removeprefix("loss.") for key in KEYS if key.startswith("loss.")]
    assert keys[: len(recorded)] == recorded
