"""Bookshop of the first-hour benchmark."""

from benchmarks.first_hour import BOOKS, EVENTS, USERS, write_files
from operations.ingest.files import open_file
from operations.ingest.inference import declarable, infer
from operations.ingest.sources import find


def test_bookshop_files_have_columns_of_every_type(tmp_path):
    write_files(tmp_path, end_s=1_790_000_000)

    rows = {name: len((tmp_path / f"{name}.csv").read_text().splitlines()) - 1 for name in ("users", "books", "events")}
    (source,) = find([tmp_path / "books.csv"], s3=lambda: None)
    types = declarable(infer([open_file(source)], without=("itemId",)))

    assert rows == {"users": USERS, "books": BOOKS, "events": EVENTS}
    assert {name: kind.value for name, kind in types.items()} == {
        "price": "number", "genre": "string", "inStock": "boolean", "tags": "list", "published": "timestamp",
    }  # fmt: skip
