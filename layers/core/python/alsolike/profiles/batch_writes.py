"""Batch writes to the profile table, with retries. Failures are reported by partition key."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.profiles.profile import Item
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.errors import Unavailable

MAX_ATTEMPTS = 8
MAX_CONCURRENT_CALLS = 8
"""Maximum number of concurrent calls. Network latency dominates their duration."""

_BATCH_WRITES = 25
"""Maximum number of requests per call, as limited by DynamoDB."""
_FIRST_PAUSE_S = 0.05

Key = tuple[str, str]


class BatchWriter:
    def __init__(self, client: DynamoDbClient, table: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._client, self._table, self._pause = client, table, pause

    def write(self, requests: Sequence[Item], *, is_concurrent: bool = False) -> dict[str, str]:
        """Execute the requests, and return the reason for each failure by partition key."""
        calls = [requests[start : start + _BATCH_WRITES] for start in range(0, len(requests), _BATCH_WRITES)]
        apply = threads().map if is_concurrent and len(calls) > 1 else map
        failed: dict[str, str] = {}
        for unwritten in apply(self._write_batch, calls):
            failed |= unwritten
        return failed

    def _write_batch(self, requests: Sequence[Item]) -> dict[str, str]:
        failed_attempts = 0
        while requests:
            try:
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
            except (BotoCoreError, ClientError) as error:
                return dict.fromkeys(map(_partition, requests), f"profile table {self._table}: {error}")
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            failed_attempts = self.paused(failed_attempts + 1 if len(left) == len(requests) else 0)
            requests = left
            if failed_attempts == MAX_ATTEMPTS:
                reason = f"profile table {self._table}: nothing was written {MAX_ATTEMPTS} times in a row"
                return dict.fromkeys(map(_partition, requests), reason)
        return {}

    def paused(self, failed_attempts: int) -> int:
        """Pause after a call that processed no request, and return `failed_attempts`.

        The pause doubles with each failed attempt in a row. No pause follows the last attempt.
        """
        if 0 < failed_attempts < MAX_ATTEMPTS:
            self._pause(_FIRST_PAUSE_S * 2 ** (failed_attempts - 1))
        return failed_attempts


@functools.cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_CONCURRENT_CALLS, "profiles")


def key_of(profile_id: str, key: str) -> Item:
    return {PROFILES_PARTITION_KEY: {"S": profile_id}, PROFILES_SORT_KEY: {"S": key}}


def put(item: Item) -> Item:
    return {"PutRequest": {"Item": item}}


def deletions(keys: Iterable[Key]) -> list[Item]:
    return [{"DeleteRequest": {"Key": key_of(*key)}} for key in keys]


def raise_first(failed: Mapping[str, str]) -> None:
    if failed:
        raise Unavailable(next(iter(failed.values())))


def _partition(request: Item) -> str:
    stored = request.get("PutRequest")
    key = request["DeleteRequest"]["Key"] if stored is None else stored["Item"]
    return str(key[PROFILES_PARTITION_KEY]["S"])
