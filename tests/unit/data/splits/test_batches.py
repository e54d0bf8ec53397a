import numpy as np

from mammobench.data.splits.batches import evaluation_batches, training_batches


def test_training_batches_have_one_size_and_no_image_twice() -> None:
    batches = list(training_batches(70, 32, seed=0, epoch=1))
    assert [batch.shape for batch in batches] == [(32,), (32,)]
    assert len(set(np.concatenate(batches))) == 64


def test_training_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [int(row) for batch in training_batches(64, 8, seed, epoch) for row in batch]

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_few_images_are_repeated_to_fill_a_batch() -> None:
    (batch,) = training_batches(3, 8, seed=0, epoch=1)
    assert sorted(np.bincount(batch)) == [2, 3, 3]


def test_evaluation_batches_keep_the_order_and_say_what_is_padding() -> None:
    batches = list(evaluation_batches(10, 4))
    assert [batch.shape for batch, _ in batches] == [(4,)] * 3
    assert np.concatenate([batch[:real] for batch, real in batches]).tolist() == list(range(10))
    assert batches[-1][1] == 2


def test_no_images_are_no_batches() -> None:
    assert not list(evaluation_batches(0, 4))
