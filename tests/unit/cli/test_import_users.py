import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.users import UserStore
from alsolike.runtime.errors import InvalidInput
from operations.configuration.configuration_store import ConfigurationStore
from operations.ingest.inputs import Options
from operations.ingest.load_metadata import import_items, import_users

NOW_MS = 1_700_000_000_000


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def users(deployment):
    store = UserStore(deployment.client("dynamodb"), "users")
    return {user.user_id: dict(user.properties) for user in store.scan()}


def declare(deployment, **columns):
    store = ConfigurationStore(deployment.client("s3"), "artefacts")
    document = {"format": 1, **{part: {"columns": types} for part, types in columns.items()}}
    store.apply(store.current(), document, text="", by="test", reason="", now_ms=1)


def reasons(path):
    with path.with_name(f"{path.name}.rejected.csv").open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


def test_user_columns_are_stored_and_invalid_rows_rejected_with_reasons(deployment, tmp_path):
    path = write(tmp_path / "u.csv", f"USER_ID,AGE,CITY\n1,30,Köln\n,31,x\n2,,\n3,40,{'x' * 24_000}\n")

    summary = import_users([path], deployment, now_ms=NOW_MS)

    assert users(deployment) == {"1": {"age": 30, "city": "Köln"}, "2": {}}
    assert reasons(path) == [(3, "USER_ID is missing"), (5, "metadata has more than 24000 characters")]
    assert summary.imported == 2


def test_users_have_at_most_25_columns(deployment, tmp_path):
    path = write(tmp_path / "u.csv", ",".join(["USER_ID", *(f"C{place}" for place in range(26))]) + "\n")

    with pytest.raises(InvalidInput, match="has 26 metadata columns, expected at most 25"):
        import_users([path], deployment, now_ms=NOW_MS)


def test_declared_columns_have_their_types_and_invalid_cells_are_rejected(deployment, tmp_path):
    declare(
        deployment,
        users={"CODE": "string", "SCORE": "number", "MEMBER": "boolean", "LIKES": "list", "SINCE": "timestamp"},
    )
    text = (
        "USER_ID,CODE,SCORE,MEMBER,LIKES,SINCE\n"
        "1,7,1.5,TRUE,a|b,2017-07-14\n"
        "2,,2,0,,1500000000\n"
        "3,,high,1,,\n"
        "4,,1,maybe,,\n"
        "5,,1,1,,soon\n"
        "6,,1,1,,-5\n"
    )

    import_users([write(tmp_path / "u.csv", text)], deployment, now_ms=NOW_MS)

    assert users(deployment) == {
        "1": {"code": "7", "score": 1.5, "member": True, "likes": "a|b", "since": 1_499_990_400},
        "2": {"score": 2, "member": False, "since": 1_500_000_000},
    }
    assert reasons(tmp_path / "u.csv") == [
        (4, "SCORE is not a number"),
        (5, "MEMBER is neither true nor false"),
        (6, "SINCE is neither a number nor a time like 2024-05-31T12:00:00Z"),
        (7, "SINCE is before 1970"),
    ]


def test_declared_columns_of_parquet_keep_their_types(deployment, tmp_path):
    declare(deployment, items={"CODE": "string", "NEW": "boolean", "PRICE": "number"})
    path = tmp_path / "i.parquet"
    table = pa.table(
        {
            "ITEM_ID": ["1", "2"],
            "CODE": [7, None],
            "NEW": [True, None],
            "PRICE": [1.5, float("nan")],
            "CREATION_TIMESTAMP": pa.array([1_500_000_000, None]).cast(pa.timestamp("s")),
        }
    )
    pq.write_table(table, path)

    import_items([path], deployment, now_ms=NOW_MS)

    stored = CatalogueStore(deployment.client("dynamodb"), "catalogue").scan()
    assert {item.item_id: dict(item.properties) for item in stored} == {
        "1": {"code": "7", "new": True, "price": 1.5, "creationTimestamp": 1_500_000_000},
        "2": {},
    }


def test_dry_run_of_users_writes_nothing(deployment, tmp_path):
    path = write(tmp_path / "u.csv", "USER_ID,AGE\n1,30\n,31\n")

    summary = import_users([path], deployment, now_ms=NOW_MS, options=Options(dry_run=True))

    assert (summary.imported, summary.rejected, summary.dry_run) == (1, 1, True)
    assert users(deployment) == {}
    assert list(tmp_path.iterdir()) == [path]
    assert "Contents" not in deployment.client("s3").list_objects_v2(Bucket="artefacts")


def test_mapped_column_can_be_the_id(deployment, tmp_path):
    path = write(tmp_path / "u.csv", "customer,AGE\n1,30\n")

    import_users([path], deployment, now_ms=NOW_MS, options=Options(mapping=["customer=USER_ID"]))

    assert users(deployment) == {"1": {"age": 30}}
