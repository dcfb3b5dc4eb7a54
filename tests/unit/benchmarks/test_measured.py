"""Values that `alsolike cost` takes from the pages of measurements."""

import pytest

from benchmarks import measured
from operations.cost import charges


def test_assumed_fit_durations_equal_the_measured_ones() -> None:
    taken = {millions: sum(measured.fits_s(f"{millions}M").values()) for millions in (1, 10, 100)}

    assert taken == pytest.approx(dict(charges.FIT_S[1:]), abs=0.1)
