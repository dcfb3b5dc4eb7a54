import numpy as np
import pytest

from model_export.evaluation.bootstrap import interval


def test_the_interval_is_about_two_standard_errors_to_each_side() -> None:
    differences = np.random.default_rng(1).normal(0.3, 2.0, 400)

    low, high = interval(differences)

    error = differences.std() / 20
    assert low == pytest.approx(differences.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(differences.mean() + 1.96 * error, abs=0.3 * error)
    assert interval(differences) == (low, high)


@pytest.mark.parametrize(
    ("differences", "expected"), [([], (-np.inf, np.inf)), ([0.7], (-np.inf, np.inf)), ([0.0, 0.0], (0.0, 0.0))]
)
def test_of_few_users_nothing_is_known_and_of_equal_ones_everything(
    differences: list[float], expected: tuple[float, float]
) -> None:
    assert interval(np.array(differences)) == expected
