import numpy as np
import pytest
from scipy import stats

from mammobench.core.seeds import generator
from mammobench.evaluation.significance import difference_p, family_p, holm, mcnemar_p


def test_independent_images_have_mcnemars_exact_test() -> None:
    numbers = generator(0, "test")
    right, selected = numbers.random((80, 4)) < 0.7, numbers.random(80) < 0.6
    right[:, 3] = selected
    found = mcnemar_p(right, selected, np.arange(80))
    for column in range(4):
        better, worse = (right[:, column] & ~selected).sum(), (~right[:, column] & selected).sum()
        expected = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
        assert found[column] == pytest.approx(expected, rel=1e-12)


def test_mcnemars_exact_test_by_hand() -> None:
    # one image where the configuration alone is right, five where the selected one alone is: of 64 ways to
    # throw six coins, twice the 1 + 6 with at most one head
    right = np.array([1, 0, 0, 0, 0, 0, 1, 0], bool)
    selected = np.array([0, 1, 1, 1, 1, 1, 1, 0], bool)
    assert mcnemar_p(right[:, None], selected, np.arange(8))[0] == pytest.approx(14 / 64, rel=1e-12)


def test_groups_of_one_and_the_clustered_test_agree_without_clustering() -> None:
    numbers = generator(0, "test")
    right, selected = numbers.random((3000, 1)) < 0.7, numbers.random(3000) < 0.68
    groups = np.arange(3000)
    groups[1] = 0  # one pair, so that the clustered test is taken
    better, worse = (right[:, 0] & ~selected).sum(), (~right[:, 0] & selected).sum()
    expected = stats.chi2.sf((better - worse) ** 2 / (better + worse), 1)
    assert mcnemar_p(right, selected, groups)[0] == pytest.approx(expected, rel=0.1)


def test_the_clustered_test_by_hand() -> None:
    # three groups in which the configuration is better by 2, better by 1, and worse by 1
    right = np.array([1, 1, 1, 0, 0, 1], bool)
    selected = np.array([0, 0, 0, 0, 1, 1], bool)
    found = mcnemar_p(right[:, None], selected, np.array([0, 0, 1, 1, 2, 2]))
    assert found[0] == pytest.approx(stats.chi2.sf((2 + 1 - 1) ** 2 / (4 + 1 + 1), 1))


def test_copied_images_tell_the_clustered_test_nothing_new() -> None:
    numbers = generator(0, "test")
    right, selected = numbers.random((60, 1)) < 0.75, numbers.random(60) < 0.55
    images = np.repeat(np.arange(60), 5)
    clustered, naive = (
        mcnemar_p(right[images], selected[images], groups)[0] for groups in (images, np.arange(300))
    )
    assert naive < 0.01 * clustered


def test_the_same_answers_are_not_significantly_different() -> None:
    right = np.ones((4, 1), bool)
    for groups in ([0, 0, 1, 1], range(4)):
        assert mcnemar_p(right, right[:, 0], np.array(groups)).tolist() == [1]
    assert mcnemar_p(np.ones((0, 2), bool), np.ones(0, bool), np.zeros(0, int)).tolist() == [1, 1]


def test_a_difference_is_judged_by_its_standard_error_and_students_t() -> None:
    samples = generator(0, "test").normal(0.1, 0.05, (4000, 1)).astype(np.float32)
    p = difference_p(np.array([0.1]), samples, groups=9)
    assert p[0] == pytest.approx(2 * stats.t.sf(2, 8), rel=0.15)


def test_no_difference_at_all_and_no_definition() -> None:
    samples = np.zeros((50, 2), np.float32)
    samples[:, 1] = np.nan
    for found in (difference_p, family_p):
        p = found(np.array([0.0, np.nan]), samples, groups=9)
        assert p[0] == 1
        assert np.isnan(p[1])
    assert np.isnan(difference_p(np.array([0.1]), samples[:, :1], groups=0)).all()


def test_a_family_of_independent_differences_is_corrected_as_sidak_does() -> None:
    samples = generator(0, "test").normal(0, 0.05, (20_000, 10)).astype(np.float32)
    points = np.array([0.14, *np.zeros(9)])
    p = difference_p(points, samples + points, groups=100_000)
    adjusted = family_p(points, (samples + points).astype(np.float32), groups=100_000)
    assert adjusted[0] == pytest.approx(1 - (1 - p[0]) ** 10, rel=0.1)


def test_differences_that_go_together_count_as_one() -> None:
    drawn = generator(0, "test").normal(0, 0.05, (4000, 1))
    points = np.full(30, 0.12)
    samples = (np.repeat(drawn, 30, axis=1) + points).astype(np.float32)
    p, adjusted = (found(points, samples, groups=500) for found in (difference_p, family_p))
    assert adjusted == pytest.approx(p, rel=0.2)
    assert (adjusted >= p).all()


def test_a_family_of_one_is_not_corrected() -> None:
    samples = generator(0, "test").normal(0.1, 0.05, (400, 1)).astype(np.float32)
    alone = difference_p(np.array([0.1]), samples, groups=9)
    assert family_p(np.array([0.1]), samples, groups=9).tolist() == alone.tolist()


def test_holm_by_hand() -> None:
    # the example of Wikipedia's article on the method: 4 x 0.005, 3 x 0.01, then 2 x 0.03, which is 0.06, and
    # the last, 1 x 0.04, which may not fall below that
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    adjusted = holm(p)
    assert adjusted[[0, 1, 3, 4]] == pytest.approx([0.03, 0.06, 0.06, 0.02], rel=1e-12)
    assert np.isnan(adjusted[2])


def test_a_single_comparison_is_not_corrected() -> None:
    assert holm(np.array([0.03])).tolist() == [0.03]
    assert holm(np.array([])).tolist() == []


def test_a_one_sided_difference_counts_half_in_its_family_and_is_not_judged_below_0() -> None:
    drawn = generator(0, "test").normal(0, 0.05, (20_000, 2))
    points, above = np.array([0.1, -0.3]), np.array([False, True])
    samples = (drawn + points).astype(np.float32)
    p = difference_p(points, samples, groups=100_000)
    adjusted = family_p(points, samples, groups=100_000, one_sided=above)
    assert adjusted[0] == pytest.approx(1 - (1 - p[0]) * (1 - p[0] / 2), rel=0.1)
    assert np.isnan(adjusted[1])
    alike = family_p(
        np.abs(points), (drawn + np.abs(points)).astype(np.float32), groups=100_000, one_sided=above
    )
    assert alike[1] < 0.001
