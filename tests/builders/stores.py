"""Small deployment with users in every store."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from collections.abc import Callable
from typing import Any, cast

import orjson
import pyarrow as pa
from botocore.exceptions import ClientError

from alsolike.events.interactions import Interaction, profile_id
from alsolike.events.logins import Login
from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.profiles.profile import recent
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.s3 import scan
from functions.erase_user.service import Erasing, erase_user
from functions.purge_user.deployment import Deployment
from functions.purge_user.service import Outcome, purge
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.builders.parquet import INTERACTIONS, parquet, parquet_of, table_of
from tests.fakes.places import create_bucket, create_profiles_table, create_table

PSEUDONYMS = Pseudonyms(b"k" * 32)
PLACES = Deployment(
    lake_bucket="lake-bucket", artefact_bucket="artefact-bucket", profiles_table="profiles", users_table="users",
    object_version_days=30, stream_hours=24, table_backup_days=35, log_days=7, access_log_days=90, batch_days=31,
    retrain_days=7,
)  # fmt: skip


class Workflows:
    """Step Functions client. Starting a running execution again has no effect, and starting an ended one fails."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.inputs: list[str] = []
        self.running: set[str] = set()
        self.is_down = False

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803
        if self.is_down:
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "StartExecution")
        if name in self.running:
            return
        if name in self.started:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.started.append(name)
        self.inputs.append(input)
        self.running.add(name)


@dataclasses.dataclass
class Stores:
    s3: Any
    dynamodb: Any
    workflows: Workflows = dataclasses.field(default_factory=Workflows)

    @classmethod
    def create(cls, aws: Callable[[str], Any]) -> Stores:
        s3, dynamodb = aws("s3"), aws("dynamodb")
        for bucket in (PLACES.lake_bucket, PLACES.artefact_bucket):
            create_bucket(s3, bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        create_profiles_table(dynamodb, PLACES.profiles_table)
        create_table(dynamodb, PLACES.users_table, key="user_id")
        return cls(s3, dynamodb)

    @property
    def profiles(self) -> ProfileStore:
        return ProfileStore(self.dynamodb, PLACES.profiles_table)

    def put(self, key: str, body: bytes, *, bucket: str = PLACES.lake_bucket) -> str:
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return key

    def put_rows(self, name: str, *rows: Interaction, schema: pa.Schema = INTERACTIONS) -> str:
        content = parquet(map(dataclasses.asdict, rows), schema)
        return self.put(f"interactions/event_date=2026-09-21/{name}.parquet", content)

    def put_dataset(self, dataset: str, *profiles: str) -> str:
        table = pa.table(
            {
                "profile_id": list(profiles),
                "item_id": ["pear"] * len(profiles),
                "event_time_ms": [NOW_MS] * len(profiles),
            }
        )
        return self.put(f"datasets/{dataset}/interactions.parquet", parquet_of(table), bucket=PLACES.artefact_bucket)

    def put_user(self, user: str) -> None:
        item = {"user_id": {"S": user}, "properties": {"S": "{}"}, "updated_at_ms": {"N": "1"}}
        self.dynamodb.put_item(TableName=PLACES.users_table, Item=item)

    def quarantine(self, name: str, data: bytes) -> str:
        record = StreamRecord("events", "shard", name, NOW_MS, data)
        return self.put(f"quarantine/dt=2026-09-21/{name}.json", QuarantinedRecord(record, "bad").to_json())

    def request_erasure(self, user: str, *, now_ms: int = NOW_MS) -> str:
        erasing = Erasing(
            self.s3, cast("Any", self.workflows), PLACES.artefact_bucket, "arn:machine", self.profiles, PSEUDONYMS
        )
        return erase_user(user, erasing=erasing, now_ms=now_ms).erasure_id

    def step(
        self, erasure: str, *, remaining_ms: Callable[[], float] = lambda: 900_000, s3: Any = None, now_ms: int = NOW_MS
    ) -> Outcome:
        return purge(
            erasure,
            s3=s3 or self.s3,
            dynamodb=self.dynamodb,
            places=PLACES,
            pseudonyms=PSEUDONYMS,
            clock_ms=lambda: now_ms,
            remaining_ms=remaining_ms,
        )

    def finish(self, erasure: str) -> list[Outcome]:
        """Run the workflow's loop to its end, and return the result of each call."""
        outcomes: list[Outcome] = []
        while not outcomes or outcomes[-1] != "done":
            outcomes.append(self.step(erasure))
            assert len(outcomes) < 50
        self.workflows.running.clear()
        return outcomes

    def erase(self, user: str) -> str:
        erasure = self.request_erasure(user)
        self.finish(erasure)
        return erasure

    def rows(self) -> list[dict[str, Any]]:
        """Return the lake's events without duplicate IDs, ordered by ID."""
        found: dict[str, dict[str, Any]] = {}
        for key in self.keys("interactions/"):
            for row in table_of(self.body(key)).to_pylist():
                found[row["event_id"]] = row
        return [found[event] for event in sorted(found)]

    def keys(self, prefix: str = "", *, bucket: str = PLACES.lake_bucket) -> list[str]:
        return [found.key for found in scan(self.s3, bucket, prefix)]

    def body(self, key: str, *, bucket: str = PLACES.lake_bucket) -> bytes:
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def receipt(self, erasure: str) -> ErasureReceipt:
        return ErasureReceiptStore(self.s3, PLACES.artefact_bucket).read(erasure)

    def purged(self, erasure: str) -> dict[str, tuple[int, int]]:
        """Return the numbers of purged objects and records per store, from the receipt."""
        document = self.receipt(erasure).document()
        return {each["store"]: (each["objects"], each["records"]) for each in document["purged"]}

    def holding(self, word: str) -> list[str]:
        """Return the objects whose key or decompressed content contains a string, and the table rows with it."""
        places = []
        for bucket in (PLACES.lake_bucket, PLACES.artefact_bucket):
            for key in self.keys(bucket=bucket):
                if word.encode() in unpacked(key, self.body(key, bucket=bucket)) or word in key:
                    places.append(f"{bucket}/{key}")
        for table in (PLACES.profiles_table, PLACES.users_table):
            for item in self.dynamodb.scan(TableName=table)["Items"]:
                if word in str(item):
                    places.append(f"{table}/{item}")
        return places

    def old_versions(self, word: str) -> set[str]:
        """Return the keys of objects with a string in a version other than the current one."""
        keys = set[str]()
        for bucket in (PLACES.lake_bucket, PLACES.artefact_bucket):
            for version in self.s3.list_object_versions(Bucket=bucket).get("Versions", []):
                key = version["Key"]
                if not version["IsLatest"]:
                    stored = self.s3.get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
                    keys |= {key} if word.encode() in unpacked(key, stored["Body"].read()) else set()
        return keys


def unpacked(key: str, body: bytes) -> bytes:
    """Return the decompressed and decoded content of an object."""
    if key.endswith(".parquet"):
        return str(table_of(body).to_pylist()).encode()
    if key.endswith(".gz"):
        return gzip.decompress(body)
    if key.startswith("quarantine/") and body[:1] == b"{":
        return body + base64.b64decode(orjson.loads(body)["data"])
    if key.startswith("aws/lambda/") and body[:1] == b"{":
        records = orjson.loads(orjson.loads(body)["payload"])["Records"]
        return body + b"".join(base64.b64decode(record["kinesis"]["data"]) for record in records)
    return body


def failed_batch(*records: Interaction | bytes) -> bytes:
    """Return the document that Lambda writes for a failed batch."""
    return json.dumps({"requestContext": {}, "version": "1.0", "payload": json.dumps(kinesis_event(records))}).encode()


def change_log(*users: str) -> bytes:
    lines = [
        orjson.dumps({"user_id": user, "updated_at_ms": 1, "deleted": False, "properties": "{}"}) for user in users
    ]
    return gzip.compress(b"".join(line + b"\n" for line in lines))


def fill_stores(stores: Stores) -> None:
    """Write data of Ann, who will be erased, and of Bob into every store."""
    ann, bob = ("ann.lee", "bob.ray")
    ann_rows = [interaction(f"a{n}", user_id=ann, session_id="s-ann", event_time_ms=NOW_MS + n) for n in range(3)]
    bob_rows = [interaction(f"b{n}", user_id=bob, session_id="s-bob", event_time_ms=NOW_MS + n) for n in range(3)]
    browsed = interaction("c0", user_id=None, session_id="s-ann", event_time_ms=NOW_MS - 5)
    later = interaction("c1", user_id=None, session_id="s-ann", event_time_ms=NOW_MS + 50)
    stores.put_rows("mixed", ann_rows[0], bob_rows[0], browsed)
    stores.put_rows("again", ann_rows[0], ann_rows[1], bob_rows[1])  # One event is stored twice, as after a retry.
    stores.put_rows("ann", ann_rows[2])
    stores.put_rows("bob", bob_rows[2], later)
    for user in (ann, bob):
        stores.put_user(user)
        stores.profiles.add(profile_id(user_id=user, session_id=None), [recent(ann_rows[0])], now_ms=NOW_MS)
        stores.profiles.join(f"s-{user}", Login(1, "", user), now_ms=NOW_MS)
    stores.quarantine("ann", json.dumps({"user_id": ann, "event_time_ms": -1}).encode())
    stores.quarantine("bob", json.dumps({"user_id": bob, "event_time_ms": -1}).encode())
    stores.quarantine("cut", b'{"user_id":"ann.lee","item')
    stores.put("aws/lambda/m/shard/batch", failed_batch(ann_rows[0], bob_rows[0], b"\xff ann.lee"))
    stores.put("aws/lambda/m/shard/own", failed_batch(ann_rows[0]))
    stores.put("users/change_date=2026-09-21/0-1-2.jsonl.gz", change_log(ann, bob, ann))
    stores.put("users/change_date=2026-09-21/0-3-3.jsonl.gz", change_log(ann))
    stores.put_dataset("20260901t000000-aaaaaa", f"u#{ann}", f"u#{bob}", f"u#{ann}")
    stores.put_dataset("20260902t000000-bbbbbb", f"u#{bob}")
    for version in ("20260901t000000-aaaaaa", "20260902t000000-bbbbbb", "20260101t000000-cccccc"):
        stores.put(f"models/{version}/manifest.json", b"{}", bucket=PLACES.artefact_bucket)
