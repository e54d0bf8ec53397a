from mammobench.core.seeds import derive_seed, generator


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert derive_seed(0, 7, "shuffle") == 1765758729
    assert generator(0, "noise").integers(1000) == 106


def test_names_and_their_types_are_told_apart() -> None:
    seeds = {derive_seed(0), derive_seed(1), derive_seed(0, 1), derive_seed(0, "1"), derive_seed(0, 1, 1)}
    assert len(seeds) == 5


def test_seeds_fit_a_signed_32_bit_integer() -> None:
    assert all(0 <= derive_seed(root, "x") < 2**31 for root in range(-50, 50))
