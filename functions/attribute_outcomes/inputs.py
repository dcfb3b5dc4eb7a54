"""Inputs of the computation, and receipts of computed days.

The outcomes of a day depend on its recommendation log and the interactions of the surrounding days. The fingerprint
identifies these inputs and the rules, but not the catalogue. A day is recomputed if the fingerprint in its receipt or
the stored results differ. This corrects days with late data, erased users or interrupted computations.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import orjson
import pyarrow as pa
import pyarrow.parquet  # for `read_tables`

from alsolike.declarations.storage import ENGAGEMENT_PREFIX, INTERACTIONS_PREFIX, OUTCOMES_PREFIX, SERVED_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION, SERVED_PARTITION
from alsolike.lake import engagement, outcomes
from alsolike.lake.lake_objects import LakeObject
from alsolike.lake.tables import read_tables
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object, listed
from functions.attribute_outcomes.attribution_rules import DEFINITIONS, POPULARITY_DAYS, AttributionRules

BATCH_BYTES = 32 * 2**20
"""Maximum total size of objects that are read at once, in bytes. Only a single object may exceed it."""

_EPOCH = dt.date(1970, 1, 1).toordinal()

Days = Mapping[int, list[LakeObject]]


def date_of(day: int) -> str:
    """Return the date of a day since 1970.

    Examples
    --------
    >>> date_of(20_717)
    '2026-09-21'
    """
    return dt.date.fromordinal(_EPOCH + day).isoformat()


@dataclasses.dataclass(frozen=True, slots=True)
class DayReceipt:
    """Fingerprint of the inputs of a day's results, with the results' ETags and counts.

    An ETag is None if there is no object. `reported` is true if the day's metrics have been sent. `late` is
    true if an event arrived late (`AttributionRules.is_late`). The results then depend on more days.
    """

    fingerprint: str
    outcomes_etag: str | None
    engagement_etag: str | None
    rejected: Mapping[str, int]
    events: int = 0
    computed_ms: int = 0
    reported: bool = False
    late: bool = False

    def to_json(self) -> bytes:
        return orjson.dumps(self, option=orjson.OPT_SORT_KEYS)


class Inputs:
    """S3 objects of the recommendation log, interactions, outcomes and engagement, by day (since 1970).

    The objects are listed when the instance is created.
    """

    def __init__(self, client: S3Client, bucket: str, rules: AttributionRules) -> None:
        self._client, self._bucket, self.rules = client, bucket, rules
        self.served = _listed(client, bucket, SERVED_PREFIX, SERVED_PARTITION)
        self.interactions = _listed(client, bucket, INTERACTIONS_PREFIX, INTERACTIONS_PARTITION)
        self.outcomes = _listed(client, bucket, OUTCOMES_PREFIX, SERVED_PARTITION)
        self.engagement = _listed(client, bucket, ENGAGEMENT_PREFIX, SERVED_PARTITION)

    def read(self, objects: Sequence[LakeObject], schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield the rows of objects in batches, without agents' rows. Concurrently deleted objects are skipped."""
        return read_tables(
            pa, self._client, self._bucket, objects, schema=schema, max_bytes=BATCH_BYTES, max_objects=16
        )

    def days(self) -> list[int]:
        """Return the days with responses, outcomes or interactions.

        Days with only interactions are skipped before the first stored responses, because the responses to these
        interactions are unknown or have expired.
        """
        if not self.served:
            return sorted(self.outcomes)
        first = min(self.served)
        return sorted({day for day in self.interactions if day >= first} | set(self.served) | set(self.outcomes))

    def answered(self) -> set[int]:
        """Return the days with responses. Expired responses count too, because their sums are kept."""
        return {*self.served, *self.engagement}

    def event_days(self, day: int) -> list[int]:
        """Return the days whose events may count for responses of a day."""
        return [event_day for event_day in self.rules.event_days(day) if event_day in self.interactions]

    def popularity_days(self, day: int) -> list[int]:
        return [past_day for past_day in range(day - POPULARITY_DAYS, day + 1) if past_day in self.interactions]

    def copy_days(self, day: int, *, late: bool) -> list[int]:
        return [copy_day for copy_day in self.rules.copy_days(day, late=late) if copy_day in self.interactions]

    def fingerprint(self, day: int, *, late: bool) -> str:
        interaction_days = sorted({*self.event_days(day), *self.popularity_days(day), *self.copy_days(day, late=late)})
        objects = [
            *self.served.get(day, []),
            *(stored for other in interaction_days for stored in self.interactions[other]),
        ]
        # The result of an event also depends on which other days have responses.
        answered_days = [answered_day for answered_day in self.answered() if day in self.rules.event_days(answered_day)]
        objects_read = sorted((stored.key, stored.etag) for stored in objects)
        content = [DEFINITIONS, dataclasses.astuple(self.rules), sorted(answered_days), objects_read]
        return hashlib.blake2b(orjson.dumps(content), digest_size=16).hexdigest()

    def is_current(self, day: int, receipt: DayReceipt | None) -> bool:
        return (
            receipt is not None
            and receipt.fingerprint == self.fingerprint(day, late=receipt.late)
            and receipt.outcomes_etag == etag_of(self.outcomes, day, outcomes.object_key(date_of(day)))
            and receipt.engagement_etag == etag_of(self.engagement, day, engagement.object_key(date_of(day)))
        )


def etag_of(days: Days, day: int, key: str) -> str | None:
    return next((stored.etag for stored in days.get(day, []) if stored.key == key), None)


class DayReceiptStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, day: int) -> DayReceipt | None:
        """Return None if the receipt is missing, or does not have the fields of this version."""
        stored = self._object(day).read()
        try:
            return DayReceipt(**orjson.loads(stored.body)) if stored else None
        except (TypeError, ValueError):
            return None

    def write(self, day: int, receipt: DayReceipt) -> None:
        self._object(day).write(receipt.to_json())

    def _object(self, day: int) -> S3Object:
        return S3Object(self._client, self._bucket, engagement.receipt_key(date_of(day)))


def _listed(client: S3Client, bucket: str, prefix: str, column: str) -> Days:
    days: dict[int, list[LakeObject]] = {}
    for entry in listed(client, bucket, prefix):
        name, _, date = entry.key.removeprefix(prefix).partition("/")[0].partition("=")
        if name == column and entry.key.endswith(".parquet"):
            try:
                day = dt.date.fromisoformat(date).toordinal() - _EPOCH
            except ValueError:
                continue
            days.setdefault(day, []).append(LakeObject(entry.key, entry.size_bytes, entry.etag, entry.modified_ms))
    return days
