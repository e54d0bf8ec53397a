import errno
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from mammobench.core.errors import TrialError
from mammobench.training.checkpoint import Best, Checkpoint, History

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def make_model(seed: int = 0) -> keras.Model:
    model = keras.Sequential([
        keras.Input((3,)),
        keras.layers.Dense(4, kernel_initializer=keras.initializers.GlorotUniform(seed=seed)),
        keras.layers.Dropout(0.5, seed=seed),
        keras.layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.GlorotUniform(seed=seed)),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    return model


def row(epoch: int, objective: float) -> History:
    return [{"epoch": number, "objective": objective} for number in range(1, epoch + 1)]


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.array(value) for value in model.get_weights()]


def test_weights_optimizer_and_random_states_come_back(tmp_path: Path) -> None:
    model = make_model()
    checkpoint = Checkpoint(tmp_path / "a.npz", model, identity="a")
    model.train_on_batch(X, Y)
    best = checkpoint.save(row(1, 0.5), Best(), better=True)
    checkpoint.wait()
    model.train_on_batch(X, Y)
    after_two = weights(model)

    other = make_model(seed=9)
    history, kept = Checkpoint(tmp_path / "a.npz", other, identity="a").restore()
    assert history == row(1, 0.5)
    assert (kept.epoch, kept.objective) == (best.epoch, best.objective) == (1, 0.5)
    # the same dropout mask and the same momenta lead to the same weights
    other.train_on_batch(X, Y)
    for one, two in zip(after_two, weights(other), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_best_epoch_stays_while_the_last_state_moves_on(tmp_path: Path) -> None:
    model = make_model()
    checkpoint = Checkpoint(tmp_path / "a.npz", model, identity="a")
    model.train_on_batch(X, Y)
    best = checkpoint.save(row(1, 0.5), Best(), better=True)
    of_best = weights(model)
    model.train_on_batch(X, Y)
    best = checkpoint.save(row(2, 0.4), best, better=False)
    checkpoint.wait()
    last = weights(model)
    checkpoint.load_best(best)
    for one, two in zip(of_best, weights(model), strict=True):
        np.testing.assert_array_equal(one, two)
    # what is on disk is still the state after the last epoch
    other = make_model(seed=9)
    Checkpoint(tmp_path / "a.npz", other, identity="a").restore()
    for one, two in zip(last, weights(other), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("size", [0, 100, 1000])
def test_a_torn_or_missing_checkpoint_starts_anew(size: int, tmp_path: Path) -> None:
    model = make_model()
    checkpoint = Checkpoint(tmp_path / "a.npz", model, identity="a")
    assert checkpoint.restore() == ([], Best())
    checkpoint.save(row(1, 0.5), Best(), better=True)
    checkpoint.wait()
    whole = (tmp_path / "a.npz").read_bytes()
    assert len(whole) > 1000
    (tmp_path / "a.npz").write_bytes(whole[:size])
    before = weights(model)
    assert Checkpoint(tmp_path / "a.npz", model, identity="a").restore() == ([], Best())
    for one, two in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_state_of_another_identity_is_refused(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "a.npz", make_model(), identity="a")
    checkpoint.save(row(1, 0.5), Best(), better=True)
    checkpoint.wait()
    with pytest.raises(TrialError, match=r"a\.npz: the checkpoint is of another training.*Remove it"):
        Checkpoint(tmp_path / "a.npz", make_model(), identity="b").restore()


def test_a_state_that_cannot_be_written_is_told_once_and_leaves_the_last_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    checkpoint = Checkpoint(folder / "a.npz", make_model(), identity="a")
    checkpoint.save(row(1, 0.5), Best(), better=True)
    checkpoint.wait()
    folder.rename(tmp_path / "moved")
    folder.write_text("a file stands where the folder was")
    checkpoint.save(row(2, 0.5), Best(), better=True)
    with pytest.raises(OSError, match=os.strerror(errno.EEXIST)):
        checkpoint.wait()
    checkpoint.wait()
    history, _ = Checkpoint(tmp_path / "moved" / "a.npz", make_model(), identity="a").restore()
    assert len(history) == 1
    assert [path.name for path in (tmp_path / "moved").iterdir()] == ["a.npz"]
