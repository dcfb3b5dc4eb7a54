"""Results do not depend on the order of arrival, the split into objects, redeliveries and repeated calls."""

import multiprocessing

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alsolike.lake import tables
from benchmarks import attribution as benchmark
from functions.attribute_outcomes import disk_partitions
from tests.builders.arrivals import check_any_arrival, histories


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # shrinking a failure takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories(), data=st.data())
def test_results_do_not_depend_on_arrival_order(s3, history, data):
    check_any_arrival(s3, history, data)


def _peak_bytes(answers, directory, part_rows):
    benchmark.ROWS_PER_OBJECT = 500
    benchmark.write_day(directory, answers)
    disk_partitions.PIECE_ROWS = tables.BATCH_ROWS = part_rows
    benchmark.attribute_day(directory, part_rows=part_rows)
    return int(pa.default_memory_pool().max_memory() or 0)


def test_peak_memory_does_not_grow_with_the_number_of_responses(tmp_path):
    peaks = []
    for answers in (8_000, 24_000):  # as many objects as are read at once, and three times as many
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peaks.append(pool.apply(_peak_bytes, (answers, tmp_path / str(answers), 2_000)))

    assert peaks[1] < 1.15 * peaks[0]
