"""One call of attribution. It recomputes days whose inputs or results have changed."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq

from alsolike.declarations.times import DAY_MS
from alsolike.lake import engagement, outcomes, partitions
from alsolike.records.engagement import Engagement
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import AlsolikeError, DaysFailed
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.snapshot import Snapshot
from functions.attribute_outcomes.attribution_rules import POPULARITY_DAYS, AttributionRules
from functions.attribute_outcomes.day_results import PART_ROWS, Computation, Results
from functions.attribute_outcomes.inputs import DayReceipt, DayReceiptStore, Inputs, date_of, etag_of
from functions.attribute_outcomes.outcome_sums import to_table
from functions.attribute_outcomes.response_items import Items

CONNECTIONS = 16
REPORT_AFTER_MS = 3_600_000
"""Time in milliseconds from the end of a day to the report of the day's metrics. By then, most events are in the
lake."""


@dataclasses.dataclass(slots=True)
class AttributionResult:
    """Result of a call. `events` and `rejected` are sums over the computed days.

    `complete` is true if all days are up to date. `window_cut_days` is the number of days at the end of an attribution
    window in which the day's results are no longer recomputed. `failed` contains the reason by date.
    """

    days: int = 0
    events: int = 0
    rejected: int = 0
    complete: bool = True
    window_cut_days: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)

    def raise_failures(self) -> None:
        if self.failed:
            days = "; ".join(f"{date}: {reason}" for date, reason in sorted(self.failed.items()))
            raise DaysFailed(f"{len(self.failed)} days could not be computed: {days}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attribution:
    """Attribution in one lake.

    Days before `first_day` are not recomputed, because their inputs are expiring. `report` is called with the results
    of the last complete day, unless the day's receipt states that the report was sent. `shopper` returns the keyed hash
    of a stored user or session ID.
    """

    client: S3Client
    bucket: str
    catalogue: Snapshot
    rules: AttributionRules
    shopper: Callable[[str], str]
    report: Callable[[Results], None]
    has_time: Callable[[], bool]
    directory: Path
    now_ms: int
    first_day: int = 0
    cut_days: int = 0
    part_rows: int = PART_ROWS

    def run(self) -> AttributionResult:
        """Compute outdated days, least recently computed first. Failures of single days are returned in the result."""
        inputs = Inputs(self.client, self.bucket, self.rules)
        outcome = AttributionResult(window_cut_days=self.cut_days)
        self._judge_retention(outcome)
        outdated = self._outdated(inputs)
        computation = Computation(
            inputs,
            items=Items(self.catalogue),
            shopper=self.shopper,
            directory=self.directory,
            days=[day for day, _ in outdated],
            part_rows=self.part_rows,
        )
        for day, receipt in outdated:
            if not self.has_time():
                outcome.complete = False
                break
            try:
                if not inputs.served.get(day) and (day in inputs.outcomes or day in inputs.engagement):
                    self._forget(day, inputs, receipt)
                    continue
                results = computation.day(day)
                self._write(day, inputs.fingerprint(day, late=results.late), results, receipt)
            except Exception as error:  # noqa: BLE001  one day's failure must not stop the others
                outcome.failed[date_of(day)] = _error_text(error)
                outcome.complete = False
                logger.error("day not recomputed", date=date_of(day), reason=outcome.failed[date_of(day)])
                continue
            outcome.days += 1
            outcome.events += results.events
            outcome.rejected += sum(results.rejected.values())
        return outcome

    def _judge_retention(self, outcome: AttributionResult) -> None:
        today = self.now_ms // DAY_MS
        if self.first_day > today:
            outcome.failed[date_of(today)] = (
                f"limits.retention_days keeps fewer than the {POPULARITY_DAYS} days that attribution needs"
            )
            outcome.complete = False
        elif self.cut_days:
            logger.warning(
                "days are final before the end of their window, because limits.retention_days is short",
                cut_days=self.cut_days,
            )

    def _outdated(self, inputs: Inputs) -> list[tuple[int, DayReceipt | None]]:
        computed_days = {*inputs.outcomes, *inputs.engagement}
        days = [
            day for day in inputs.days() if day >= self.first_day or (day in computed_days and day not in inputs.served)
        ]
        with ThreadPoolExecutor(CONNECTIONS, "receipts") as pool:
            receipts = list(pool.map(DayReceiptStore(self.client, self.bucket).read, days))
        outdated = [
            (day, receipt) for day, receipt in zip(days, receipts, strict=True) if not inputs.is_current(day, receipt)
        ]
        return sorted(outdated, key=lambda pair: (pair[1].computed_ms if pair[1] else 0, pair[0]))

    def _write(self, day: int, fingerprint: str, results: Results, before: DayReceipt | None) -> None:
        """Replace the results of a day, report the metrics of the last complete day once, and write the receipt.

        If the call fails before it writes the receipt, or another call computes the same day, the receipt may not match
        the results. The next call then recomputes the day.
        """
        date = date_of(day)
        outcomes_etag = self._put(outcomes.object_key(date), results.outcomes) if results.outcomes else None
        engagement_etag = None
        if results.outcomes:
            engagement_etag = self._put(engagement.object_key(date), self._summary(results.engagement))
        reported = before is not None and before.reported
        if not reported and day == (self.now_ms - REPORT_AFTER_MS) // DAY_MS - 1:
            self.report(results)
            reported = True
        DayReceiptStore(self.client, self.bucket).write(
            day,
            DayReceipt(
                fingerprint,
                outcomes_etag,
                engagement_etag,
                results.rejected,
                results.events,
                self.now_ms,
                reported,
                results.late,
            ),
        )

    def _forget(self, day: int, inputs: Inputs, before: DayReceipt | None) -> None:
        """Delete the outcomes of a day whose responses have expired. The sums, which identify no user, are kept."""
        key = outcomes.object_key(date_of(day))
        S3Object(self.client, self.bucket, key).delete()
        kept = before or DayReceipt("", None, None, {})
        etag = etag_of(inputs.engagement, day, engagement.object_key(date_of(day)))
        fingerprint = inputs.fingerprint(day, late=kept.late)
        DayReceiptStore(self.client, self.bucket).write(
            day, dataclasses.replace(kept, fingerprint=fingerprint, outcomes_etag=None, engagement_etag=etag)
        )

    def _summary(self, rows: list[Engagement]) -> Path:
        path = self.directory / "engagement.parquet"
        pq.write_table(to_table(rows), path, compression=partitions.COMPRESSION)
        return path

    def _put(self, key: str, path: Path) -> str:
        with translate_aws_errors(f"s3://{self.bucket}/{key}"), path.open("rb") as file:
            # Unlike `upload_file`, `put_object` returns the ETag.
            etag: str = self.client.put_object(Bucket=self.bucket, Key=key, Body=file)["ETag"]
        return etag


def _error_text(error: Exception) -> str:
    """Return the message of an Alsolike error.

    For other errors, return only the type and the location, because messages may contain user data.
    """
    if isinstance(error, AlsolikeError):
        return f"{type(error).__name__}: {error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno} of {Path(place.filename).name}"
