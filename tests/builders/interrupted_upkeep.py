"""Upkeep, killed or joined by another upkeep or an erasure at one of its calls.

Afterwards, readers get the same events, except the events of an erased user.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.declarations.storage import COMPACTIONS_PREFIX
from tests.builders.lakes import HOUR_MS, Watched, counted, keep_up, keys, row, write
from tests.builders.parquet import parquet
from tests.fakes.interruptions import Killed

LATER_MS = HOUR_MS + 1_000


def fill(s3: Any, bucket: str) -> list[str]:
    return [write(s3, bucket, f"shard-{n}", [row(f"e{n}"), row(f"e{n + 1}", item_id=f"i{n}")]) for n in range(4)]


def kill_at(step: int) -> Callable[[int, str], None]:
    def before(number: int, name: str) -> None:
        if number == step:
            raise Killed

    return before


def kill_and_go_on(s3: Any, bucket: str, *, step: int) -> bool:
    """Kill the first two runs of upkeep before their call number `step`, and run upkeep again.

    Return true if the runs reached this call.
    """
    raw = fill(s3, bucket)
    expected = counted(s3, bucket)
    client = Watched(s3, kill_at(step))
    killed = False
    try:
        keep_up(client, bucket, later_ms=LATER_MS)  # The first run merges.
        keep_up(client, bucket, later_ms=LATER_MS)  # The second run removes the inputs.
    except Killed:
        killed = True
    assert counted(s3, bucket) == expected, f"killed at step {step}"

    for _ in range(3):
        keep_up(s3, bucket, later_ms=LATER_MS)
    assert counted(s3, bucket) == expected, f"gone on after step {step}"
    (merged,) = keys(s3, bucket)
    assert merged not in raw
    assert keys(s3, bucket, COMPACTIONS_PREFIX) == []
    return killed


def join_another_call(s3: Any, bucket: str, *, step: int) -> bool:
    """Run another upkeep before call number `step` of the first two runs. Return true if they reached this call."""
    fill(s3, bucket)
    expected = counted(s3, bucket)
    joined = False

    def join(number: int, name: str) -> None:
        nonlocal joined
        if number == step:
            joined = True
            keep_up(s3, bucket, later_ms=LATER_MS)

    client = Watched(s3, join)
    for _ in range(2):
        keep_up(client, bucket, later_ms=LATER_MS)
        assert counted(s3, bucket) == expected, f"joined at step {step}"
    for _ in range(2):
        keep_up(s3, bucket, later_ms=LATER_MS)
    assert len(keys(s3, bucket)) == 1
    assert counted(s3, bucket) == expected
    return joined


@dataclasses.dataclass
class Tombstones:
    """Erased users, with hashes equal to their IDs. Tests add users between calls of `now`."""

    erased: dict[str, int]

    def now(self) -> Mapping[str, int]:
        return dict(self.erased)

    def hash(self, user_id: str) -> str:
        return user_id


def erase_during_a_merge(s3: Any, bucket: str, *, step: int) -> bool:
    """Erase a user before call number `step` of a merge. Return true if the merge reached this call.

    An erasure writes the tombstone first, and then rewrites the listed files.
    """
    for n in range(3):
        write(s3, bucket, str(n), [row(f"a{n}", user_id="anna"), row(f"b{n}", user_id="bob")])
    tombstones = Tombstones({})
    left = [row(f"b{n}", user_id="bob") for n in range(3)]

    def erase(number: int, name: str) -> None:
        if number == step:
            tombstones.erased["anna"] = 1
            for key in keys(s3, bucket):
                rows = left if "compacted-" in key else [left[int(key[-9])]]
                s3.put_object(Bucket=bucket, Key=key, Body=parquet(rows))

    keep_up(Watched(s3, erase), bucket, later_ms=LATER_MS, erased=tombstones)

    if not tombstones.erased:
        return False
    assert {each["user_id"] for each in counted(s3, bucket)} == {"bob"}, f"erased at step {step}"
    for _ in range(3):
        keep_up(s3, bucket, later_ms=LATER_MS, erased=tombstones)
    assert {each["event_id"] for each in counted(s3, bucket)} == {"b0", "b1", "b2"}
    assert {each["user_id"] for each in counted(s3, bucket)} == {"bob"}
    return True
