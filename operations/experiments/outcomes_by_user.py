"""Sums of outcomes by user, and by user and day. Memory does not grow with the number of responses."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.experiments import Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.metrics import BEFORE_DAYS, SUMS
from alsolike.lake.served import UNKNOWN

_BATCH_ROWS = 500_000


@dataclasses.dataclass(frozen=True, slots=True)
class UserTable:
    """Sums of outcomes by user; see `alsolike.experiments.metrics.Users`."""

    table: pa.Table
    earlier: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> list[float]:
        values: list[float] = self.table[name].to_pylist()
        return values

    def before(self, name: str) -> list[float]:
        """Return a column of sums over the `BEFORE_DAYS` days before the experiment, 0 for users without responses."""
        return [0.0] * len(self) if self.earlier is None else self.joined(self.earlier, name)

    def joined(self, sums: pa.Table, name: str) -> list[float]:
        """Return a column of sums by `shopper` with one element per user; 0 for users without a row."""
        rows = pc.index_in(self.table["shopper"], sums["shopper"].combine_chunks())
        values: list[float] = pc.fill_null(sums[name].take(rows), 0).to_pylist()
        return values


class ArmTally:
    """Sums of one experiment's outcomes by user; see `alsolike.experiments.report.Tally`."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._prefix = f"{experiment.name}/"
        self._known = {experiment.label(arm): arm.name for arm in experiment.arms}
        self._sums, self._earlier = _Sums(("shopper", "arm")), _Sums(("shopper",))
        self._days: set[int] = set()
        self.unassigned = 0
        self.nameless = 0
        self.in_two_arms = 0
        self.unknown: collections.Counter[str] = collections.Counter()

    def add(self, answers: pa.Table) -> None:
        """Add responses, which are rows of `outcomes` with the columns `READ`."""
        answers = _in_time(answers, self.experiment.on, self.experiment.start_ms, self.experiment.end_ms)
        arms = answers["arms"].combine_chunks()
        labels = pc.list_flatten(arms)
        own = pc.starts_with(labels, self._prefix)
        rows, labels = pc.list_parent_indices(arms).filter(own), labels.filter(own)
        self.unassigned += len(answers) - len(rows.unique())
        for label, count in zip(*_counts(labels), strict=True):
            if label not in self._known:
                self.unknown[label.removeprefix(self._prefix)] += count
        known = pc.is_in(labels, pa.array(self._known, pa.string()))
        answers = answers.take(rows.filter(known))
        names = pa.array([self._known[label] for label in labels.filter(known).to_pylist()], pa.string())
        answers = answers.append_column("arm", names)
        named = _named(answers)
        self.nameless += len(answers) - len(named)
        answers = named
        self._days.update(_days(answers["served_ms"]).unique().to_pylist())
        self._sums.add(answers)

    def add_before(self, answers: pa.Table) -> None:
        """Add responses of the days before the start.

        Only users in an arm count, so all calls of `add` must come first.
        """
        start_ms = self.experiment.start_ms
        answers = _in_time(answers, self.experiment.on, start_ms - BEFORE_DAYS * DAY_MS, start_ms)
        users = self._sums.table()["shopper"].combine_chunks()
        self._earlier.add(answers.filter(pc.is_in(answers["shopper"], users)))

    @property
    def seen(self) -> int:
        """Number of users so far. Users in two arms count twice."""
        return len(self._sums.table())

    @property
    def days(self) -> list[str]:
        return [_date(day) for day in sorted(self._days)]

    def users(self) -> dict[str, UserTable]:
        """Return the users by arm, and set `in_two_arms`. Users in two arms are omitted."""
        sums = self._sums.table()
        by_user = sums.group_by("shopper").aggregate([("arm", "count")])
        twice = by_user.filter(pc.greater(by_user["arm_count"], 1))["shopper"]
        self.in_two_arms = len(twice)
        if len(twice):
            sums = sums.filter(pc.invert(pc.is_in(sums["shopper"], twice.combine_chunks())))
        earlier = self._earlier.table()
        return {
            arm.name: UserTable(sums.filter(pc.equal(sums["arm"], arm.name)), earlier) for arm in self.experiment.arms
        }


class DayTally:
    """Responses to identified users by user and day, for a selection of recommenders."""

    def __init__(self, on: Sequence[str]) -> None:
        self._on = on
        self._sums = _Sums(("shopper", "day"))

    def add(self, answers: pa.Table) -> None:
        answers = _named(answers.filter(pc.is_in(answers["recommender"], pa.array(self._on))))
        self._sums.add(answers.append_column("day", _days(answers["served_ms"])))

    def answers_since(self, time_ms: int) -> int:
        """Return the number of responses since the start of the UTC day that contains `time_ms`."""
        sums = self._sums.table()
        total = pc.sum(sums.filter(pc.greater_equal(sums["day"], time_ms // DAY_MS))["answers"]).as_py()
        return int(total or 0)

    def windows(self, *, before_ms: int) -> tuple[int, Callable[[int], UserTable]]:
        """Return the number of days from the first to the last complete day, and a function that returns the users of
        the last n days.
        """
        sums = self._sums.table()
        sums = sums.filter(pc.less(sums["day"], before_ms // DAY_MS))
        if not len(sums):
            return 0, lambda _: UserTable(_grouped(sums, ("shopper",)))
        first, last = (int(bound(sums["day"]).as_py()) for bound in (pc.min, pc.max))

        def last_days(days: int) -> UserTable:
            return UserTable(_grouped(sums.filter(pc.greater(sums["day"], last - days)), ("shopper",)))

        return last - first + 1, last_days


class _Sums:
    """Running totals of the columns `SUMS`, grouped by other columns."""

    def __init__(self, by: tuple[str, ...]) -> None:
        self._by = by
        self._parts: list[pa.Table] = []
        self._rows = 0

    def add(self, answers: pa.Table) -> None:
        for name, column in (
            ("answers", pa.repeat(pa.scalar(1, pa.int64()), len(answers))),
            ("bought_answers", pc.greater(answers["purchases"], 0)),
        ):
            answers = answers.append_column(name, column)
        numbers = {
            name: pc.fill_null(answers[name].cast(pa.float64() if name == "revenue" else pa.int64()), 0)
            for name in SUMS
        }
        part = _grouped(pa.table({name: answers[name] for name in self._by} | numbers), self._by)
        self._parts.append(part)
        self._rows += len(part)
        if self._rows > _BATCH_ROWS:
            self.table()

    def table(self) -> pa.Table:
        if len(self._parts) == 1:
            return self._parts[0]
        if not self._parts:
            types = {"shopper": pa.string(), "arm": pa.string(), "day": pa.int64(), "revenue": pa.float64()}
            return pa.table({name: pa.array([], types.get(name, pa.int64())) for name in (*self._by, *SUMS)})
        self._parts, self._rows = [_grouped(pa.concat_tables(self._parts), self._by)], 0
        return self._parts[0]


def _grouped(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    summed = table.group_by(list(columns)).aggregate([(name, "sum") for name in SUMS])
    return pa.table({name: summed[name] for name in columns} | {name: summed[f"{name}_sum"] for name in SUMS})


def _named(answers: pa.Table) -> pa.Table:
    return answers.filter(pc.fill_null(pc.not_equal(answers["shopper"], UNKNOWN), False))


def _in_time(answers: pa.Table, on: Iterable[str], start_ms: int, end_ms: int | None) -> pa.Table:
    within = pc.and_(
        pc.is_in(answers["recommender"], pa.array(list(on))), pc.greater_equal(answers["served_ms"], start_ms)
    )
    if end_ms is not None:
        within = pc.and_(within, pc.less(answers["served_ms"], end_ms))
    return answers.filter(within)


def _counts(values: pa.Array) -> tuple[list[str], list[int]]:
    counted = pc.value_counts(values)
    return counted.field("values").to_pylist(), counted.field("counts").to_pylist()


def _days(served_ms: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(served_ms, DAY_MS)


def _date(day: int) -> str:
    import datetime as dt

    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
