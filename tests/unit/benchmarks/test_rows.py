"""Tables of measurements with targets."""

from benchmarks.rows import Row, markdown


def test_measurement_with_two_comparisons_is_printed_once() -> None:
    rows = [Row.compared("scan", 1.0, "numpy", 2.0, max_ratio=1), Row.compared("scan", 1.0, "faiss", 4.0)]

    assert markdown(rows).splitlines()[2:] == [
        "| scan | 1 ms | numpy | 2 ms | 0.50 | ≤ 1x | met |",
        "| | | faiss | 4 ms | 0.25 | | |",
    ]


def test_repeated_comparison_is_abbreviated() -> None:
    rows = [Row.compared("price", 1.0, "numpy", 2.0), Row.compared("brand", 3.0, "numpy", 2.0, max_ratio=1)]

    assert markdown(rows).splitlines()[3] == "| brand | 3 ms | the same | 2 ms | 1.50 | ≤ 1x | **missed** |"
