import numpy as np
import pytest

from model_export.evaluation.bootstrap import interval


def test_interval_is_about_two_standard_errors_wide_on_each_side():
    differences = np.random.default_rng(1).normal(0.3, 2.0, 400)

    low, high = interval(differences)

    error = differences.std() / 20
    assert low == pytest.approx(differences.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(differences.mean() + 1.96 * error, abs=0.3 * error)
    assert interval(differences) == (low, high)


@pytest.mark.parametrize(
    ("differences", "expected"), [([], (-np.inf, np.inf)), ([0.7], (-np.inf, np.inf)), ([0.0, 0.0], (0.0, 0.0))]
)
def test_interval_of_one_user_is_infinite_and_of_equal_users_exact(differences, expected):
    assert interval(np.array(differences)) == expected
