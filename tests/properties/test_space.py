import optuna
from hypothesis import given, settings
from hypothesis import strategies as st

from mammobench.space.yaml_file import load_space, shipped_spaces


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(shipped_spaces())), seed=st.integers(0, 2**31 - 1))
def test_whatever_is_suggested_lies_in_the_space_and_gives_a_configuration(name: str, seed: int) -> None:
    space = load_space(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    values = space.suggest(study.ask())
    assert space.contains(values)
    config = space.config(values)
    assert space.values_of(config) == values
