"""Periodic deletion of expired data: objects by lifecycle rules, items by their time to live, and stream records."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.deployment import Clients
from local_cloud.storage.journal import DataError
from local_cloud.storage.recorder import Recorder

_EVERY_S: Final = 3_600.0
_LARGEST_SHARE: Final = 0.001
"""Maximum share of time that the database spends on removing traces of deleted data from its files."""
_LONGEST_OVERDUE: Final = timedelta(days=5 * 365)
_KINDS: Final = ("Versions", "DeleteMarkers")
_NONCURRENT: Final = "NoncurrentVersionExpiration"
_BATCH: Final = 1_000
"""Limit of DeleteObjects."""


class Expiry:
    def __init__(
        self, clients: Clients, recorder: Recorder, *, now: Callable[[], datetime], report: Callable[[str], None]
    ) -> None:
        self._clients = clients
        self._recorder = recorder
        self._now = now
        self._report = report
        self._running = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)
        self._thread.start()

    def run(self) -> float:
        """Delete expired data, and remove its traces from the database files. Return the seconds until the next run.

        Errors are reported, and the next run tries again.
        """
        with self._running:
            try:
                now = self._now()
                for bucket in self._clients("s3").list_buckets()["Buckets"]:
                    self._expire_objects(bucket["Name"], now)
                for page in self._clients("dynamodb").get_paginator("list_tables").paginate():
                    for table in page["TableNames"]:
                        expire_items(self._clients("dynamodb"), table, now=now)
                self._recorder.expire_records(now.timestamp())
                begun_s = time.monotonic()
                self._recorder.erase_traces()
                return max(_EVERY_S, (time.monotonic() - begun_s) / _LARGEST_SHARE)
            except (BotoCoreError, ClientError, DataError) as error:
                self._report(f"expired data cannot be deleted now: {error}")
                return _EVERY_S

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = _EVERY_S
        while not self._stopping.wait(pause_s):
            pause_s = self.run()

    def _expire_objects(self, bucket: str, now: datetime) -> None:
        s3 = self._clients("s3")
        try:
            rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return
            raise
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        listed = [version for page in pages for kind in _KINDS for version in page.get(kind, [])]
        expired = list(expired_versions(listed, [rule for rule in rules if rule["Status"] == "Enabled"], now=now))
        for start in range(0, len(expired), _BATCH):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": expired[start : start + _BATCH], "Quiet": True})


def expired_versions(
    listed: list[Mapping[str, Any]], rules: list[Mapping[str, Any]], *, now: datetime
) -> Iterator[dict[str, str]]:
    """Yield the deletions that lifecycle rules require, in the format of DeleteObjects.

    Transitions, incomplete uploads, and rules with a filter other than a prefix are ignored. See
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html.
    """
    by_prefix = [(prefix, rule) for rule in rules if (prefix := _prefix(rule)) is not None]
    newest_first = sorted(
        listed, key=lambda each: (each["Key"], not each["IsLatest"], -each["LastModified"].timestamp())
    )
    for key, group in itertools.groupby(newest_first, key=lambda version: version["Key"]):
        versions, matching = list(group), [rule for prefix, rule in by_prefix if key.startswith(prefix)]
        latest, expirations = versions[0], [rule.get("Expiration", {}) for rule in matching]
        is_due = any(_has_expired(expiration, latest["LastModified"], now) for expiration in expirations)
        if "ETag" in latest:
            if is_due:
                is_versioned = latest["VersionId"] != "null"
                yield {"Key": key} if is_versioned else {"Key": key, "VersionId": "null"}
        elif len(versions) == 1 and (is_due or any("ExpiredObjectDeleteMarker" in each for each in expirations)):
            yield {"Key": key, "VersionId": latest["VersionId"]}
        days = [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in matching if _NONCURRENT in rule]
        for newer, version in itertools.pairwise(versions):
            if days and _is_due(min(days), newer["LastModified"], now):
                yield {"Key": key, "VersionId": version["VersionId"]}


def _prefix(rule: Mapping[str, Any]) -> str | None:
    """Return the prefix of a rule, or None if the rule has another filter."""
    found = rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}
    return str(found["Prefix"]) if found.keys() == {"Prefix"} else None


def _has_expired(expiration: Mapping[str, Any], modified: datetime, now: datetime) -> bool:
    if "Date" in expiration:
        return bool(now >= expiration["Date"])
    return "Days" in expiration and _is_due(expiration["Days"], modified, now)


def _is_due(days: int, since: datetime, now: datetime) -> bool:
    """Return whether the first midnight in UTC at least `days` after `since` has passed."""
    due = since.astimezone(UTC) + timedelta(days=days)
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return now >= (midnight if midnight == due else midnight + timedelta(days=1))


def expire_items(dynamodb: Any, table: str, *, now: datetime) -> None:
    """Delete the items of a table whose time to live has passed, as DynamoDB does.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html.
    """
    setting = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if setting["TimeToLiveStatus"] != "ENABLED":
        return
    keys = [each["AttributeName"] for each in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
    # Like DynamoDB, ignore times that passed more than `_LONGEST_OVERDUE` ago.
    times = {
        ":number": {"S": "N"},
        ":past": {"N": str(int((now - _LONGEST_OVERDUE).timestamp()))},
        ":now": {"N": str(int(now.timestamp()))},
    }
    is_expired = "attribute_type(#time, :number) AND #time BETWEEN :past AND :now"
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ProjectionExpression=", ".join(f"#key{number}" for number in range(len(keys))),
        FilterExpression=is_expired,
        ExpressionAttributeNames={
            "#time": setting["AttributeName"],
            **{f"#key{number}": key for number, key in enumerate(keys)},
        },
        ExpressionAttributeValues=times,
    )
    for item in [item for page in pages for item in page["Items"]]:
        with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):  # the item was changed
            dynamodb.delete_item(
                TableName=table,
                Key=item,
                ConditionExpression=is_expired,
                ExpressionAttributeNames={"#time": setting["AttributeName"]},
                ExpressionAttributeValues=times,
            )
