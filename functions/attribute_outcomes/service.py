"""One call of attribution: the days whose inputs or results have changed."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from alsolike.lake import engagement, lake, outcomes
from alsolike.records.engagement import Engagement
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import AlsolikeError, DaysFailed
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.snapshot import Snapshot
from functions.attribute_outcomes.day_results import PART_ROWS, Computation, Results
from functions.attribute_outcomes.inputs import DayReceipt, DayReceiptStore, Inputs, date_of, etag_of
from functions.attribute_outcomes.items import Items
from functions.attribute_outcomes.rules import DAY_MS, POPULARITY_DAYS, AttributionRules
from functions.attribute_outcomes.summary import to_table

CONNECTIONS = 16
REPORT_AFTER_MS = 3_600_000
"""Delay of a day's metrics after its end: most of its events are in the lake by then."""


@dataclasses.dataclass(frozen=True, slots=True)
class LastDayReport:
    """The figures of the last complete day."""

    engagement: list[Engagement]
    rejected: dict[str, int]


@dataclasses.dataclass(slots=True)
class AttributionResult:
    """The result of a call.

    Attributes
    ----------
    days
        Number of computed days.
    events
        Number of those days' events that count.
    rejected
        Number of those days' rejected events.
    complete
        True if all days are up to date; if not, the next call continues.
    window_cut_days
        Days before the end of its window from which a day keeps its results.
    failed
        Days that could not be computed, each with the reason.
    """

    days: int = 0
    events: int = 0
    rejected: int = 0
    complete: bool = True
    window_cut_days: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)

    def raise_failures(self) -> None:
        """Fail for the days that failed.

        Raises
        ------
        DaysFailed
            Naming them.
        """
        if self.failed:
            days = "; ".join(f"{date}: {reason}" for date, reason in sorted(self.failed.items()))
            raise DaysFailed(f"{len(self.failed)} days could not be computed: {days}")


class Attribution:
    """Attribution in one lake.

    Parameters
    ----------
    shopper
        The keyed hash of a stored user or session id.
    report
        Receives the figures of a day, once per day.
    has_time
        Returns true if there is time for another day.
    directory
        On the local disk.
    first_day
        Since 1970. Earlier days keep their results, because their inputs are expiring.
    cut_days
        Days before the end of its window from which a day counts as earlier than `first_day`.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        *,
        catalogue: Snapshot,
        rules: AttributionRules,
        shopper: Callable[[str], str],
        report: Callable[[LastDayReport], None],
        has_time: Callable[[], bool],
        directory: Path,
        now_ms: int,
        first_day: int = 0,
        cut_days: int = 0,
        part_rows: int = PART_ROWS,
    ) -> None:
        self._client, self._bucket, self._rules = client, bucket, rules
        self._receipts = DayReceiptStore(client, bucket)
        self._catalogue, self._shopper = catalogue, shopper
        self._report, self._has_time = report, has_time
        self._directory, self._now_ms, self._part_rows = directory, now_ms, part_rows
        self._first_day, self._cut_days = first_day, cut_days

    def run(self) -> AttributionResult:
        """Compute the outdated days, starting with those computed longest ago.

        Raises
        ------
        Unavailable
            If S3 does not list the objects. The outcome has the failures of single days, which do not stop others.
        """
        inputs = Inputs(self._client, self._bucket, self._rules)
        outcome = AttributionResult(window_cut_days=self._cut_days)
        self._judge_retention(outcome)
        outdated = self._outdated(inputs)
        computation = Computation(
            self._client,
            self._bucket,
            inputs,
            items=Items(self._catalogue),
            rules=self._rules,
            shopper=self._shopper,
            directory=self._directory,
            days=[day for day, _ in outdated],
            part_rows=self._part_rows,
        )
        for day, receipt in outdated:
            if not self._has_time():
                outcome.complete = False
                break
            try:
                if not inputs.served.get(day) and (day in inputs.outcomes or day in inputs.engagement):
                    self._forget(day, inputs, receipt)
                    continue
                results = computation.day(day)
                self._write(day, inputs.fingerprint(day, late=results.late), results, receipt)
            except Exception as error:  # noqa: BLE001  one day's failure must not stop the others
                outcome.failed[date_of(day)] = _told(error)
                outcome.complete = False
                logger.error("day not recomputed", date=date_of(day), reason=outcome.failed[date_of(day)])
                continue
            outcome.days += 1
            outcome.events += results.events
            outcome.rejected += sum(results.rejected.values())
        return outcome

    def _judge_retention(self, outcome: AttributionResult) -> None:
        today = self._now_ms // DAY_MS
        if self._first_day > today:
            outcome.failed[date_of(today)] = (
                f"limits.retention_days keeps less than the {POPULARITY_DAYS} days it needs"
            )
            outcome.complete = False
        elif self._cut_days:
            logger.warning("days are kept before their window is over: limits.retention_days", cut_days=self._cut_days)

    def _outdated(self, inputs: Inputs) -> list[tuple[int, DayReceipt | None]]:
        held = {*inputs.outcomes, *inputs.engagement}
        days = [day for day in inputs.days() if day >= self._first_day or (day in held and day not in inputs.served)]
        with ThreadPoolExecutor(CONNECTIONS, "receipts") as pool:
            receipts = list(pool.map(self._receipts.read, days))
        outdated = [
            (day, receipt) for day, receipt in zip(days, receipts, strict=True) if not inputs.is_current(day, receipt)
        ]
        return sorted(outdated, key=lambda pair: (pair[1].computed_ms if pair[1] else 0, pair[0]))

    def _write(self, day: int, fingerprint: str, results: Results, before: DayReceipt | None) -> None:
        """Replace a day's results, each at once, then write the receipt with their fingerprint.

        If an error stops this before the receipt, or another call does the same, the receipt does not match the
        results; so the next call recomputes the day.
        """
        date = date_of(day)
        outcomes_etag = self._put(outcomes.object_key(date), results.outcomes) if results.outcomes else None
        engagement_etag = None
        if results.outcomes:
            engagement_etag = self._put(engagement.object_key(date), self._summary(results.engagement))
        reported = before is not None and before.reported
        if not reported and day == (self._now_ms - REPORT_AFTER_MS) // DAY_MS - 1:
            self._report(LastDayReport(results.engagement, dict(results.rejected)))
            reported = True
        self._receipts.write(
            day,
            DayReceipt(
                fingerprint,
                outcomes_etag,
                engagement_etag,
                results.rejected,
                results.events,
                self._now_ms,
                reported,
                results.late,
            ),
        )

    def _forget(self, day: int, inputs: Inputs, before: DayReceipt | None) -> None:
        """Remove the outcomes of a day whose answers have expired; their sums, which identify no user, stay."""
        key = outcomes.object_key(date_of(day))
        S3Object(self._client, self._bucket, key).delete()
        kept = before or DayReceipt("", None, None, {})
        etag = etag_of(inputs.engagement, day, engagement.object_key(date_of(day)))
        fingerprint = inputs.fingerprint(day, late=kept.late)
        self._receipts.write(
            day, dataclasses.replace(kept, fingerprint=fingerprint, outcomes_etag=None, engagement_etag=etag)
        )

    def _summary(self, rows: list[Engagement]) -> Path:
        path = self._directory / "engagement.parquet"
        pq.write_table(to_table(rows), path, compression=lake.COMPRESSION)
        return path

    def _put(self, key: str, path: Path) -> str:
        with translate_aws_errors(f"s3://{self._bucket}/{key}"), path.open("rb") as file:
            # One request, not in parts: its response has the ETag of the content.
            etag: str = self._client.put_object(Bucket=self._bucket, Key=key, Body=file)["ETag"]
        return etag


def _told(error: Exception) -> str:
    """Return the text of a known error, else only its place, because its text may quote a user's data."""
    if isinstance(error, AlsolikeError):
        return f"{type(error).__name__}: {error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno} of {Path(place.filename).name}"
