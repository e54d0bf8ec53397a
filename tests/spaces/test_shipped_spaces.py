"""Every shipped space loads, builds and runs a step."""

import numpy as np
import optuna
import pytest

from mammobench.data.splits.tasks import get_task
from mammobench.models.family import build_model
from mammobench.models.losses import build_loss, encode_targets
from mammobench.models.optimizers import build_optimizer
from mammobench.space.yaml_file import load_space, shipped_spaces
from mammobench.tuning.proposer import reference_config

PROPOSALS = 3


@pytest.mark.parametrize("name", shipped_spaces())
@pytest.mark.parametrize("seed", range(PROPOSALS))
def test_a_proposal_of_the_space_builds_and_runs_a_step(name: str, seed: int) -> None:
    space = load_space(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    config = space.config(space.suggest(study.ask()))
    classes = get_task(space.task).classes
    model = build_model(config, classes=classes, seed=seed)
    prior = np.full(classes, 1 / classes)
    model.compile(
        optimizer=build_optimizer(config.optimizer, steps_per_epoch=1, max_epochs=1),
        loss=build_loss(config.loss, classes=classes, prior=prior),
        run_eagerly=True,
    )
    size = config.data.image_size
    images = np.random.default_rng(seed).integers(0, 256, (2, size, size, 1), dtype=np.uint8)
    loss = model.train_on_batch(images, encode_targets(np.array([0, 1]), classes), np.ones(2, np.float32))
    assert np.isfinite(loss)


@pytest.mark.parametrize("name", shipped_spaces())
def test_the_head_of_the_file_says_the_command_and_what_it_is_for(name: str) -> None:
    first, *rest = load_space(name).description.splitlines()
    assert first.startswith(f"mammobench search --space {name}")
    assert " ".join(rest).strip()


def test_the_reference_space_builds_the_published_network() -> None:
    space = load_space("reference")
    config = space.config({"data.split": "reference"})
    model = build_model(config, classes=2, seed=0)
    assert model.count_params() == 775_169
    assert config.training.weights == "last"
    assert config.data.intensity == "none"


@pytest.mark.parametrize("name", shipped_spaces())
def test_the_reference_network_trains_beside_every_space(name: str) -> None:
    space = load_space(name)
    config = reference_config(space)
    assert config.data.task == space.task
    assert config.data.image_size == space.image_size
    assert config.model == load_space("reference").config({"data.split": "official"}).model
