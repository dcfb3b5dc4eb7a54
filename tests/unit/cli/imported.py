"""Imports of files, and the resulting rows, items, users and rejected rows."""

import csv
import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.users import UserStore
from operations.ingest.inputs import Options
from operations.ingest.load_interactions import import_interactions
from operations.ingest.load_metadata import import_items, import_users

NOW_MS = 1_700_000_000_000
GOOD = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n1,a,1500000000,Purchase,2.5\n1,b,1500086400,AddToCart,\n"


def load(deployment, *paths, event_type="view", now_ms=NOW_MS, **options):
    return import_interactions(
        paths, deployment, default_event_type=event_type, now_ms=now_ms, options=Options(**options)
    )


def load_items(deployment, *paths, now_ms=NOW_MS, **options):
    return import_items(paths, deployment, now_ms=now_ms, options=Options(**options))


def load_users(deployment, *paths, **options):
    return import_users(paths, deployment, now_ms=NOW_MS, options=Options(**options))


def write(path, content, encoding="utf-8"):
    """Write text or bytes, compressed if the name ends with `.gz`."""
    data = content if isinstance(content, bytes) else content.encode(encoding, "surrogateescape")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_parquet(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


def rejected(path):
    with path.with_name(f"{path.name}.rejected.csv").open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


def lake_objects(deployment):
    s3 = deployment.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake").get("Contents", [])]
    return {key: s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys}


def lake_rows(deployment):
    tables = [pq.read_table(io.BytesIO(data)) for data in lake_objects(deployment).values()]
    rows = pa.concat_tables(tables).to_pandas()
    return rows.sort_values(["event_time_ms", "event_id"]).reset_index(drop=True)


def stored_items(deployment):
    store = CatalogueStore(deployment.client("dynamodb"), deployment.names.catalogue_table)
    return {item.item_id: dict(item.properties) for item in store.scan()}


def stored_users(deployment):
    store = UserStore(deployment.client("dynamodb"), deployment.names.users_table)
    return {user.user_id: dict(user.properties) for user in store.scan()}
