import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.returns import net_weights

PEAR, PLUM = 1, 2
ENTRIES = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([-5, -2, 0, 1, 3, 5])), max_size=30)


def left(*entries):
    found = net_weights(np.array([pair for pair, _ in entries]), np.array([weight for _, weight in entries]))
    return [float(weight) for weight in found]


def test_return_removes_the_purchase_before_it():
    assert left((PEAR, 5), (PEAR, -5)) == [0, 0]


def test_return_removes_the_latest_weights_first():
    """After purchases with the weights 5, 1 and 1, a return of 5 removes both 1s and 3 of the 5."""
    assert left((PEAR, 5), (PEAR, 1), (PEAR, 1), (PEAR, -5)) == [2, 0, 0, 0]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_fractions_with_equal_sum_leave_exactly_zero(kind):
    """(0.3 - 0.2) - 0.1 is not 0 in either precision."""
    found = net_weights(np.array([PEAR, PEAR, PEAR, PLUM]), np.array([0.1, 0.2, -0.3, 0.1], kind))

    assert found.tolist() == [0.0, 0.0, 0.0, float(kind(0.1))]


@given(ENTRIES)
def test_net_weights_equal_a_naive_count_of_units(entries):
    units: list[tuple[int, int]] = []
    for row, (pair, weight) in enumerate(entries):
        units += [(pair, row)] * max(weight, 0)
        for _ in range(-weight):
            last = max((place for place, unit in enumerate(units) if unit[0] == pair), default=None)
            if last is not None:
                del units[last]

    assert left(*entries) == [sum(unit == row for _, unit in units) for row in range(len(entries))]
