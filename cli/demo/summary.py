"""What the demo found, as the file `summary.json` and as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from alsolike.dataset import DatasetManifest
from cli import console, dataset_quality, model_versions
from cli.demo.comparison import Shopper
from cli.model_versions import Candidate

_SHOWN_ITEMS = 10
_SHOWN_MOVES = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """Something that has to be so, and what was found."""

    name: str
    passed: bool
    found: str


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """Times of requests one after another over HTTP, in milliseconds."""

    requests: int
    p50_ms: float
    p95_ms: float


@dataclasses.dataclass(slots=True)
class Summary:
    """Grows while the demo runs; complete when `error` is None and every check passed.

    Attributes
    ----------
    steps
        Seconds by step, in order.
    data
        What the data is, by fact.
    left_out
        Why algorithms are not among the candidates, by name.
    files
        Where things lie, by what they are.
    """

    steps: dict[str, float] = dataclasses.field(default_factory=dict)
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    candidates_title: str = model_versions.HOLDOUT
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    dataset: DatasetManifest | None = None
    replay: dict[str, Any] = dataclasses.field(default_factory=dict)
    shoppers: tuple[Shopper, ...] = ()
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    latency: Latency | None = None
    checks: list[Check] = dataclasses.field(default_factory=list)
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the demo went through and everything was as it has to be."""
        return self.error is None and bool(self.checks) and all(check.passed for check in self.checks)

    def document(self) -> dict[str, Any]:
        """Return the summary as JSON values; rankings are cut to what a reader looks at."""
        shown = self.shopper()
        return {
            "passed": self.passed,
            "error": self.error,
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "steps_s": {name: round(seconds, 2) for name, seconds in self.steps.items()},
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
        """Write `document` to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(self.document(), option=orjson.OPT_INDENT_2))

    def shopper(self) -> Shopper | None:
        """Return the shopper whose list shows most: most new first items, then most that moved."""

        def shows(shopper: Shopper) -> tuple[int, int]:
            before = set(shopper.before.answered[:_SHOWN_ITEMS])
            return len(set(shopper.after.answered[:_SHOWN_ITEMS]) - before), len(shopper.moves)

        return max(self.shoppers, key=shows, default=None)

    def _shopper_document(self, shopper: Shopper) -> dict[str, Any]:
        def items(item_ids: Sequence[str]) -> list[dict[str, Any]]:
            return [{"item_id": item_id, "title": self.titles.get(item_id)} for item_id in item_ids[:_SHOWN_ITEMS]]

        return {
            "user_id": shopper.user_id,
            "before": items(shopper.before.answered),
            "after": items(shopper.after.answered),
            "never_bought_that_moved": [
                {**dataclasses.asdict(move), "title": self.titles.get(move.item_id)}
                for move in shopper.moves[:_SHOWN_MOVES]
            ],
        }


def show(summary: Summary) -> None:
    """Print the tables."""
    if summary.candidates:
        model_versions.print_candidates(summary.candidates, title=summary.candidates_title, left_out=summary.left_out)
    if summary.dataset:
        for line in dataset_quality.sentences(summary.dataset):
            console.print_line(line)
    if (shopper := summary.shopper()) is not None:
        _show_shopper(shopper, summary.titles)
    if summary.latency:
        latency = summary.latency
        console.print_line(
            f"POST /recommendations, {latency.requests} requests one after another: "
            f"p50 {latency.p50_ms:.1f} ms, p95 {latency.p95_ms:.1f} ms\n"
        )
    rows: list[list[object]] = [[name, f"{seconds:.1f}"] for name, seconds in summary.steps.items()]
    rows.append(["total", f"{sum(summary.steps.values()):.1f}"])
    console.print_table(["step", "seconds"], rows, title="Steps")
    console.print_table(
        ["check", "", "found"],
        [[check.name, "passed" if check.passed else "FAILED", check.found] for check in summary.checks],
        title="Checks",
    )
    for what, where in summary.files.items():
        console.print_line(f"{what:<12}  {where}")


def _show_shopper(shopper: Shopper, titles: Mapping[str, str]) -> None:
    before, after = shopper.before.answered, shopper.after.answered
    rows = [
        [rank, titles.get(old, old), titles.get(new, new)]
        for rank, (old, new) in enumerate(zip(before[:_SHOWN_ITEMS], after[:_SHOWN_ITEMS], strict=True), start=1)
    ]
    console.print_table(
        ["rank", "before the last days", "after them"], rows, title=f"Recommendations for shopper {shopper.user_id}"
    )
    console.print_table(
        ["item", "rank before", "rank after", "reference after"],
        [
            [titles.get(move.item_id, move.item_id), _rank(move.before), _rank(move.after), _rank(move.reference_after)]
            for move in shopper.moves[:_SHOWN_MOVES]
        ],
        title=f"Never bought by shopper {shopper.user_id}, and moved ({len(shopper.moves)} items; furthest up first)",
    )


def _rank(rank: int | None) -> object:
    return "beyond 500" if rank is None else rank
