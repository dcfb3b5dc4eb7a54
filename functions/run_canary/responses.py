"""Metrics of both arms' responses, read from the lake. Outcomes are summed by group of users in constant memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet  # for `read_tables`

from alsolike.declarations.degraded_reasons import ARM_MODEL_UNAVAILABLE, MODEL_FAILED, MODEL_SLOW
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.sequential_tests import ArmSample, sample
from alsolike.lake import outcomes, served
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.lake_objects import LakeObject, list_objects
from alsolike.lake.tables import read_tables, tables_of
from alsolike.records.outcome import OUTCOMES_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.registry.canary import ON, Canary
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import download

ANSWERS_READ = 5_000_000
"""Maximum number of planned responses that are all read. If more are planned, a sample of the log's objects is read."""

BATCH_BYTES = 128 * 2**20
PROBED = 8
"""Number of objects whose rows are counted to estimate the responses per byte."""

GROUPS = 4_096
"""Maximum number of groups.

Users are independent, so groups by user hash are independent too. With few users, nearly each user has a separate
group.
"""

ERRORS = (ARM_MODEL_UNAVAILABLE, MODEL_FAILED, MODEL_SLOW)
"""Reasons of degraded responses that count as errors of the model: not loaded, failed, or too slow."""

CAP_MS = 1_000
"""Upper limit of a response's duration in milliseconds. Without a limit, the seconds of loading a model in a new
process, which do not depend on its graphs, would dominate the mean.
"""

_SKEW_MS = 60_000  # Maximum difference between S3's clock and the functions' clocks.
_SERVED = arrow_schema(
    pa, SERVED_COLUMNS, "recommendation_id", "served_ms", "arms", "shopper", "session", "degraded", "took_ms"
)
_UNITS = arrow_schema(pa, SERVED_COLUMNS, "recommender", "arms", "shopper", "session")
_OUTCOMES = arrow_schema(
    pa, OUTCOMES_COLUMNS, "served_ms", "recommender", "arms", "shopper", "impressions", "shown_clicks", "clicks"
)

Mask = npt.NDArray[np.bool_]
Sums = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Arm:
    """Responses of one arm to identified users.

    Attributes
    ----------
    attributed
        Number of responses with known outcomes.
    errors
        Share of responses that were degraded for one of `ERRORS`.
    latency
        Duration per response in milliseconds, at most `CAP_MS`.
    clicks
        Clicked items per shown item, or per response if no impressions are reported.
    """

    answers: int
    users: int
    attributed: int
    errors: ArmSample
    latency: ArmSample
    clicks: ArmSample

    def document(self) -> dict[str, Any]:
        """Return the numbers for the report; None for a ratio without a denominator."""
        return {
            "answers": self.answers,
            "users": self.users,
            "attributed": self.attributed,
            "error_rate": self.errors.ratio,
            "latency_ms": self.latency.ratio,
            "click_through": self.clicks.ratio,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """Responses of one arm.

    Each array has one element per response: hash of the user, failure, and duration (NaN if unknown).
    """

    users: npt.NDArray[np.uint64]
    failed: npt.NDArray[np.bool_]
    took_ms: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of one arm's responses, summed by group of users (see `group_of`)."""

    answers: Sums
    impressions: Sums
    shown_clicks: Sums
    clicks: Sums


def no_outcomes() -> Outcomes:
    return Outcomes(*(np.zeros(GROUPS) for _ in range(4)))


def group_of(users: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    return (users % np.uint64(GROUPS)).astype(np.int64)


def arm_of(answers: Answers, outcomes: Outcomes, *, by_impressions: bool) -> Arm:
    """Return the metrics of an arm. With `by_impressions`, clicks are counted per shown item."""
    groups = group_of(answers.users)
    timed = ~np.isnan(answers.took_ms)
    counted = np.bincount(groups, minlength=GROUPS)
    took_ms = np.minimum(answers.took_ms[timed], CAP_MS)
    return Arm(
        answers=len(answers.users),
        users=len(np.unique(answers.users)),
        attributed=round(float(outcomes.answers.sum())),
        errors=_sample(np.bincount(groups[answers.failed], minlength=GROUPS), counted),
        latency=_sample(
            np.bincount(groups[timed], weights=took_ms, minlength=GROUPS), np.bincount(groups[timed], minlength=GROUPS)
        ),
        clicks=clicks_of(outcomes, by_impressions=by_impressions),
    )


def clicks_of(outcomes: Outcomes, *, by_impressions: bool) -> ArmSample:
    if by_impressions:
        return _sample(outcomes.shown_clicks, outcomes.impressions)
    return _sample(outcomes.clicks, outcomes.answers)


def _sample(y: npt.NDArray[Any], x: npt.NDArray[Any]) -> ArmSample:
    """Return the ratio sample of `y` per `x` over the user groups with a positive `x`."""
    positive = x > 0
    return sample(y[positive].tolist(), x[positive].tolist())


@dataclasses.dataclass(frozen=True, slots=True)
class Arms:
    """Metrics of both arms. `fraction` is the approximate share of the log's objects that were read."""

    champion: Arm
    candidate: Arm
    fraction: float


class Lake:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def expected_answers(self, *, before_ms: int, duration_ms: int, left_out: Collection[str] = ()) -> int:
        """Return the approximate number of responses before `before_ms` that a canary of `duration_ms` would include.

        The number is extrapolated from the responses per byte in `PROBED` objects to the bytes of all objects. The
        canary excludes agents, and users of the arms with the labels `left_out`.
        """
        objects = list(self._written(before_ms - duration_ms, before_ms))
        probed = objects[-PROBED:]
        rows = sum(_eligible(table, left_out) for table in self._tables(probed, _UNITS))
        probed_bytes = sum(stored.size_bytes for stored in probed)
        total_bytes = sum(stored.size_bytes for stored in objects)
        return round(rows * total_bytes / probed_bytes) if probed_bytes else 0

    def clicks(self, *, before_ms: int, duration_ms: int, left_out: Collection[str] = ()) -> ArmSample:
        """Return the clicks on earlier responses that would belong to a canary; see `expected_answers`."""
        sums = no_outcomes()
        for rows in self._outcome_rows(before_ms - duration_ms, before_ms):
            _add(sums, rows, _in_canary(rows, left_out))
        return clicks_of(sums, by_impressions=bool(sums.impressions.any()))

    def arms(self, canary: Canary, *, now_ms: int) -> Arms:
        """Return the metrics of both arms. Only the log is sampled, and all outcomes are read.

        Clicks are counted per shown item if an outcome of either arm has impressions.
        """
        fraction = min(1.0, ANSWERS_READ / canary.planned_answers)
        answers = self._answers(canary, fraction=fraction, now_ms=now_ms)
        results = self._outcomes(canary, now_ms=now_ms)
        shown = any(bool(arm_outcomes.impressions.any()) for arm_outcomes in results)
        champion, candidate = (
            arm_of(arm_answers, arm_outcomes, by_impressions=shown)
            for arm_answers, arm_outcomes in zip(answers, results, strict=True)
        )
        return Arms(champion, candidate, fraction)

    def _answers(self, canary: Canary, *, fraction: float, now_ms: int) -> list[Answers]:
        """Return the distinct responses of the champion's arm and of the candidate's arm.

        The log may contain an object and its compacted duplicate.
        """
        objects = [stored for stored in self._written(canary.started_ms, now_ms) if _place(stored.key) < fraction]
        parts: list[list[tuple[npt.NDArray[Any], ...]]] = [[], []]
        for table in self._tables(objects, _SERVED):
            table = table.filter(pc.greater_equal(table["served_ms"], canary.started_ms))
            units, named = _units(table)
            for part, mask in zip(parts, _in_arms(table, canary), strict=True):
                rows = np.flatnonzero(mask & named)
                rows_of_role = table.take(rows)
                took_ms = pc.fill_null(rows_of_role["took_ms"], float("nan")).to_numpy().astype(np.float32)
                part.append(
                    (
                        _hashes(rows_of_role["recommendation_id"]),
                        _hashes(units.take(rows)),
                        _failed(rows_of_role),
                        took_ms,
                    )
                )
        return [_distinct(part) for part in parts]

    def _outcomes(self, canary: Canary, *, now_ms: int) -> list[Outcomes]:
        outcomes = [no_outcomes(), no_outcomes()]
        for rows in self._outcome_rows(canary.started_ms, now_ms):
            for sums, mask in zip(outcomes, _in_arms(rows, canary), strict=True):
                _add(sums, rows, mask)
        return outcomes

    def _outcome_rows(self, first_ms: int, last_ms: int) -> Iterator[pa.Table]:
        for date in _dates(first_ms, last_ms):
            for table in self._day_of_outcomes(date):
                known = pc.fill_null(pc.not_equal(table["shopper"], served.UNKNOWN), False)
                yield table.filter(pc.and_(known, pc.greater_equal(table["served_ms"], first_ms)))

    def _day_of_outcomes(self, date: str) -> Iterator[pa.Table]:
        """Yield the outcomes of a day in batches. Empty if attribution has not processed the day yet."""
        key = outcomes.object_key(date)
        with tempfile.TemporaryDirectory(prefix="canary-") as name:
            path = Path(name) / "outcomes.parquet"
            try:
                download(self._client, self._bucket, key, path)
            except Unavailable as error:
                if error.code in MISSING:
                    return
                raise
            yield from tables_of(pa, path, schema=_OUTCOMES, where=f"s3://{self._bucket}/{key}")

    def _written(self, first_ms: int, last_ms: int) -> Iterator[LakeObject]:
        """Yield the objects of the log that may contain responses of a period.

        Objects written before the start of the period are skipped.
        """
        for date in _dates(first_ms, last_ms):
            for stored in list_objects(self._client, self._bucket, prefix=served.partition_prefix(date)):
                if stored.modified_ms >= first_ms - _SKEW_MS:
                    yield stored

    def _tables(self, objects: Sequence[LakeObject], schema: pa.Schema) -> Iterator[pa.Table]:
        return read_tables(pa, self._client, self._bucket, objects, schema=schema, max_bytes=BATCH_BYTES)


def _add(sums: Outcomes, rows: pa.Table, mask: Mask) -> None:
    """Add the rows that the mask selects to the sums of their users' groups."""
    rows = rows.take(np.flatnonzero(mask))
    groups = group_of(_hashes(rows["shopper"]))
    sums.answers[:] += np.bincount(groups, minlength=GROUPS)
    for name in ("impressions", "shown_clicks", "clicks"):
        values = pc.fill_null(rows[name], 0).to_numpy().astype(np.float64)
        getattr(sums, name)[:] += np.bincount(groups, weights=values, minlength=GROUPS)


def _units(table: pa.Table) -> tuple[pa.ChunkedArray, Mask]:
    """Return the user of each row, and the mask of rows with an identified user."""
    units = pc.coalesce(table["shopper"], table["session"])
    return units, pc.fill_null(pc.not_equal(units, served.UNKNOWN), False).to_numpy(zero_copy_only=False)


def _eligible(table: pa.Table, left_out: Collection[str]) -> int:
    return int(np.count_nonzero(_units(table)[1] & _in_canary(table, left_out)))


def _in_canary(table: pa.Table, left_out: Collection[str]) -> Mask:
    """Return a mask of the rows of recommenders that use a model, outside the excluded arms."""
    on: Mask = pc.fill_null(pc.is_in(table["recommender"], pa.array(ON)), False).to_numpy(zero_copy_only=False)
    return on & ~_any_of(table["arms"], left_out)


def _in_arms(table: pa.Table, canary: Canary) -> list[Mask]:
    """Return the masks of the champion's arm and of the candidate's arm."""
    return [_any_of(table["arms"], [label]) for label in canary.labels]


def _failed(table: pa.Table) -> Mask:
    return _any_of(table["degraded"], ERRORS)


def _any_of(lists: pa.ChunkedArray, texts: Collection[str]) -> Mask:
    lists = lists.combine_chunks()
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    seen = np.zeros(len(lists), np.bool_)
    seen[rows[pc.is_in(pc.list_flatten(lists), pa.array(list(texts), pa.string())).to_numpy(zero_copy_only=False)]] = (
        True
    )
    return seen


def _hashes(texts: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return pd.util.hash_array(np.asarray(texts.to_numpy(zero_copy_only=False), object), categorize=False)


def _distinct(parts: list[tuple[npt.NDArray[Any], ...]]) -> Answers:
    if not parts:
        return Answers(np.zeros(0, np.uint64), np.zeros(0, np.bool_), np.zeros(0, np.float32))
    ids, users, failed, took_ms = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(ids, kind="stable")
    kept = order[np.concatenate(([True], np.diff(ids[order]) != 0))] if len(ids) else order
    return Answers(users[kept], failed[kept], took_ms[kept])


def _place(key: str) -> float:
    """Return a number from 0 to 1 for an object key. The number depends only on the key, so samples are stable."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") / 2**64


def _dates(first_ms: int, last_ms: int) -> list[str]:
    epoch = dt.date(1970, 1, 1)
    days = range(max(first_ms, 0) // DAY_MS, last_ms // DAY_MS + 1)
    return [(epoch + dt.timedelta(days=day)).isoformat() for day in days]
