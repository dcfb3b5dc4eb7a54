import pytest

from benchmarks import measured
from benchmarks.first_hour import BOOKS, EVENTS, USERS, write_files
from benchmarks.rows import Row, markdown
from operations.cost import charges
from operations.ingest.column_inference import declarable, infer
from operations.ingest.files import open_file
from operations.ingest.sources import find


def test_measurement_with_two_comparisons_is_printed_once():
    rows = [Row.compared("scan", 1.0, "numpy", 2.0, max_ratio=1), Row.compared("scan", 1.0, "faiss", 4.0)]

    assert markdown(rows).splitlines()[2:] == [
        "| scan | 1 ms | numpy | 2 ms | 0.50 | ≤ 1x | met |",
        "| | | faiss | 4 ms | 0.25 | | |",
    ]


def test_repeated_comparison_is_abbreviated():
    rows = [Row.compared("price", 1.0, "numpy", 2.0), Row.compared("brand", 3.0, "numpy", 2.0, max_ratio=1)]

    assert markdown(rows).splitlines()[3] == "| brand | 3 ms | the same | 2 ms | 1.50 | ≤ 1x | **missed** |"


def test_assumed_fit_durations_equal_the_measured_ones():
    taken = {millions: sum(measured.fits_s(f"{millions}M").values()) for millions in (1, 10, 100)}

    assert taken == pytest.approx(dict(charges.FIT_S[1:]), abs=0.1)


def test_bookshop_files_have_columns_of_every_type(tmp_path):
    write_files(tmp_path, end_s=1_790_000_000)

    rows = {name: len((tmp_path / f"{name}.csv").read_text().splitlines()) - 1 for name in ("users", "books", "events")}
    (source,) = find([tmp_path / "books.csv"], s3=lambda: None)
    types = declarable(infer([open_file(source)], without=("itemId",)))

    assert rows == {"users": USERS, "books": BOOKS, "events": EVENTS}
    assert {name: kind.value for name, kind in types.items()} == {
        "price": "number", "genre": "string", "inStock": "boolean", "tags": "list", "published": "timestamp",
    }  # fmt: skip
