import sys

import numpy as np
import pytest

from model_export.processes.resources import measured

MB = 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_memory_peak_counts_in_its_own_and_outer_measurements():
    with measured() as outer:
        with measured() as high:
            np.ones(400 * MB, np.uint8)
        with measured() as low:
            np.ones(1 * MB, np.uint8)

    assert high.peak_mb > low.peak_mb + 300
    assert outer.peak_mb >= high.peak_mb


def test_failed_body_is_measured():
    with pytest.raises(ZeroDivisionError), measured() as cost:
        1 / 0  # noqa: B018

    assert cost.seconds > 0
    assert cost.peak_mb > 0
