"""Sums of an experiment's outcomes by user, for the operator API."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alsolike.configuration.experiments import Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.metrics import BEFORE_DAYS, SUMS
from alsolike.lake.partitions import event_date
from alsolike.lake.served import UNKNOWN

_ANSWERS, _BOUGHT = SUMS.index("answers"), SUMS.index("bought_answers")
_COUNTED = [(place, name) for place, name in enumerate(SUMS) if place not in (_ANSWERS, _BOUGHT)]


class UserSums:
    """Sums by user; see `alsolike.experiments.metrics.Users`."""

    def __init__(self, rows: Sequence[Sequence[float]], earlier: Sequence[Sequence[float]]) -> None:
        self._rows, self._earlier = rows, earlier

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, name: str) -> list[float]:
        """Return the column of `SUMS` with one element per user."""
        place = SUMS.index(name)
        return [row[place] for row in self._rows]

    def before(self, name: str) -> list[float]:
        """Return the column of `SUMS` for the days before the experiment, with one element per user."""
        place = SUMS.index(name)
        return [row[place] for row in self._earlier]


class ArmTally:
    """Responses of one experiment by user; see `alsolike.experiments.report.Tally`."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.unassigned = 0
        self.nameless = 0
        self.in_two_arms = 0
        self.unknown: Counter[str] = Counter()
        self._prefix = f"{experiment.name}/"
        self._known = {experiment.label(arm): arm.name for arm in experiment.arms}
        self._sums: dict[str, dict[str, list[float]]] = {arm.name: {} for arm in experiment.arms}
        self._earlier: dict[str, list[float]] = {}
        self._days: set[str] = set()

    @property
    def seen(self) -> int:
        """Number of users so far. Users in two arms count twice."""
        return sum(map(len, self._sums.values()))

    @property
    def days(self) -> list[str]:
        return sorted(self._days)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add the experiment's responses among rows of `outcomes` with the columns `READ`."""
        experiment = self.experiment
        for row in rows:
            if (
                row["recommender"] in experiment.on
                and experiment.start_ms <= row["served_ms"]
                and (experiment.end_ms is None or row["served_ms"] < experiment.end_ms)
            ):
                self._add(row)

    def add_before(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add the responses to users in an arm on the days before the experiment. Call it after all calls of `add`."""
        last_ms = self.experiment.start_ms
        for row in rows:
            if (
                row["recommender"] in self.experiment.on
                and last_ms - BEFORE_DAYS * DAY_MS <= row["served_ms"] < last_ms
                and any(row["shopper"] in users for users in self._sums.values())
            ):
                _sum_up(self._earlier, row)

    def _add(self, row: Mapping[str, Any]) -> None:
        labels = [label for label in row["arms"] or () if label.startswith(self._prefix)]
        self.unassigned += not labels
        for label in labels:
            arm = self._known.get(label)
            if arm is None:
                self.unknown[label.removeprefix(self._prefix)] += 1
            elif row["shopper"] is None or row["shopper"] == UNKNOWN:
                self.nameless += 1
            else:
                self._days.add(event_date(row["served_ms"]))
                _sum_up(self._sums[arm], row)

    def users(self) -> dict[str, UserSums]:
        arms_of: defaultdict[str, int] = defaultdict(int)
        for users in self._sums.values():
            for shopper in users:
                arms_of[shopper] += 1
        self.in_two_arms = sum(arms > 1 for arms in arms_of.values())
        nothing = [0] * len(SUMS)
        named = {arm: [shopper for shopper in users if arms_of[shopper] == 1] for arm, users in self._sums.items()}
        return {
            arm: UserSums(
                [self._sums[arm][shopper] for shopper in shoppers],
                [self._earlier.get(shopper, nothing) for shopper in shoppers],
            )
            for arm, shoppers in named.items()
        }


def _sum_up(users: dict[str, list[float]], row: Mapping[str, Any]) -> None:
    sums = users.get(row["shopper"])
    if sums is None:
        sums = users[row["shopper"]] = [0] * len(SUMS)
    sums[_ANSWERS] += 1
    sums[_BOUGHT] += (row["purchases"] or 0) > 0
    for place, name in _COUNTED:
        sums[place] += row[name] or 0
