"""Results of the demo, stored as `summary.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from alsolike.registry.versions import AlgorithmFigures
from alsolike.runtime.errors import AlsolikeError
from alsolike.training.dataset import DatasetManifest
from operations.demo.comparison import Shopper
from operations.models import dataset_quality

SHOWN_ITEMS = 10
SHOWN_MOVES = 8


class DemoFailed(AlsolikeError):
    pass


@dataclasses.dataclass(frozen=True, slots=True)
class DemoCheck:
    name: str
    passed: bool
    expected: str
    found: str


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """Durations of sequential requests over HTTP, in milliseconds."""

    requests: int
    p50_ms: float
    p95_ms: float


@dataclasses.dataclass(frozen=True, slots=True)
class FirstRecommendation:
    """First list that the new model served, `after_s` seconds after the start of the demo."""

    user_id: str
    item_ids: tuple[str, ...]
    after_s: float


@dataclasses.dataclass(slots=True)
class DemoSummary:
    """Results so far.

    `steps` are durations in seconds, in order of completion. Some steps overlap.
    """

    steps: dict[str, float] = dataclasses.field(default_factory=dict)
    failed_step: str | None = None
    total_s: float = 0.0
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    candidates: tuple[AlgorithmFigures, ...] = ()
    candidates_title: str = ""
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    dataset: DatasetManifest | None = None
    first: FirstRecommendation | None = None
    replay: dict[str, Any] = dataclasses.field(default_factory=dict)
    shoppers: tuple[Shopper, ...] = ()
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    latency: Latency | None = None
    checks: list[DemoCheck] = dataclasses.field(default_factory=list)
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and bool(self.checks) and all(check.passed for check in self.checks)

    def document(self) -> dict[str, Any]:
        shown = self.shopper()
        return {
            "passed": self.passed,
            "error": self.error,
            "failed_step": self.failed_step,
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "steps_s": {name: round(seconds, 2) for name, seconds in self.steps.items()},
            "total_s": round(self.total_s, 2),
            "first_recommendation_s": round(self.first.after_s, 2) if self.first else None,
            "data": self.data,
            "dataset": dataset_quality.document(self.dataset) if self.dataset else None,
            "model": self.model,
            "candidates": [dataclasses.asdict(candidate) for candidate in self.candidates],
            "left_out": dict(self.left_out),
            "replay": self.replay,
            "latency": dataclasses.asdict(self.latency) if self.latency else None,
            "shopper": self._shopper_document(shown) if shown else None,
            "files": self.files,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(self.document(), option=orjson.OPT_INDENT_2))

    def shopper(self) -> Shopper | None:
        """Return the shopper whose list changed most, by new items among the first `SHOWN_ITEMS` and then by moves."""

        def changes(shopper: Shopper) -> tuple[int, int]:
            before = set(shopper.before.answered[:SHOWN_ITEMS])
            return len(set(shopper.after.answered[:SHOWN_ITEMS]) - before), len(shopper.moves)

        return max(self.shoppers, key=changes, default=None)

    def raise_if_failed(self, path: Path) -> None:
        failed = [check for check in self.checks if not check.passed]
        if failed:
            problems = "; ".join(f"{check.name}: expected {check.expected}, found {check.found}" for check in failed)
            raise DemoFailed(
                f"the demo's check failed: {problems}. See {path}, or run `alsolike demo --verbose` for tables"
            )

    def _shopper_document(self, shopper: Shopper) -> dict[str, Any]:
        def items(item_ids: Sequence[str]) -> list[dict[str, Any]]:
            return [{"item_id": item_id, "title": self.titles.get(item_id)} for item_id in item_ids[:SHOWN_ITEMS]]

        return {
            "user_id": shopper.user_id,
            "before": items(shopper.before.answered),
            "after": items(shopper.after.answered),
            "never_bought_that_moved": [
                {**dataclasses.asdict(move), "title": self.titles.get(move.item_id)}
                for move in shopper.moves[:SHOWN_MOVES]
            ],
        }
