"""Results of the demo, as the file `summary.json` and as lines and tables for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from alsolike.runtime.errors import AlsolikeError
from alsolike.training.dataset import DatasetManifest
from cli import candidates_table, console
from cli.demo.comparison import Shopper
from operations.models import dataset_quality
from operations.models.versions import AlgorithmFigures

_SHOWN_ITEMS = 10
_SHOWN_MOVES = 8
_SHOWN_SHARES = 4
_SHOWN_TITLES = 5


class DemoFailed(AlsolikeError):
    """A step or a check of the demo failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class DemoCheck:
    """An expectation and the result, each as a phrase."""

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
    """The first list that the new model served.

    Attributes
    ----------
    item_ids
        Best first.
    after_s
        Seconds since the demo's start.
    """

    user_id: str
    item_ids: tuple[str, ...]
    after_s: float


@dataclasses.dataclass(slots=True)
class DemoSummary:
    """Results so far; complete when `error` is None and every check passed.

    Attributes
    ----------
    steps
        Seconds by step, in the order in which the steps ended. Some steps overlap.
    failed_step
        The step that did not finish.
    total_s
        Seconds from the start to the last result.
    data
        Facts about the data.
    left_out
        Reasons why algorithms are not among the candidates, by name.
    files
        Paths by kind.
    """

    steps: dict[str, float] = dataclasses.field(default_factory=dict)
    failed_step: str | None = None
    total_s: float = 0.0
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    candidates: tuple[AlgorithmFigures, ...] = ()
    candidates_title: str = candidates_table.HOLDOUT
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
        """True if the demo finished and every check passed."""
        return self.error is None and bool(self.checks) and all(check.passed for check in self.checks)

    def document(self) -> dict[str, Any]:
        """Return the summary as JSON values; rankings are cut to their first items."""
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
        """Write `document` to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(self.document(), option=orjson.OPT_INDENT_2))

    def shopper(self) -> Shopper | None:
        """Return the shopper whose list changed most: most new items among the first, then most moves."""

        def changes(shopper: Shopper) -> tuple[int, int]:
            before = set(shopper.before.answered[:_SHOWN_ITEMS])
            return len(set(shopper.after.answered[:_SHOWN_ITEMS]) - before), len(shopper.moves)

        return max(self.shoppers, key=changes, default=None)

    def raise_if_failed(self, path: Path) -> None:
        """Raise `DemoFailed` with the failed checks.

        Parameters
        ----------
        path
            Where the summary was written.
        """
        failed = [check for check in self.checks if not check.passed]
        if failed:
            found = "; ".join(f"{check.name}: expected {check.expected}, found {check.found}" for check in failed)
            again = console.call("demo", "--verbose")
            raise DemoFailed(f"the demo's check failed: {found}. See {path}, or run `{again}` for the tables")

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


def show_first(summary: DemoSummary) -> None:
    """Print the first recommendations: items with different titles."""
    if (first := summary.first) is None:
        return
    titles = dict.fromkeys(summary.titles.get(item_id, item_id) for item_id in first.item_ids)
    console.print_line(f"\nRecommendations for shopper {first.user_id}, {first.after_s:.0f} s after the start:")
    for number, title in enumerate(list(titles)[:_SHOWN_TITLES], start=1):
        console.print_line(f"  {number}. {title}")
    console.print_line()


def show(summary: DemoSummary, *, verbose: bool = False) -> None:
    """Print the results; `verbose` adds the details in tables."""
    if summary.candidates:
        left_out = summary.left_out
        candidates_table.print_candidates(summary.candidates, title=summary.candidates_title, left_out=left_out)
    if verbose:
        _show_details(summary)
    for check in summary.checks:
        console.print_line(f"{'passed' if check.passed else 'FAILED'}  {check.found}")
    if latency := summary.latency:
        console.print_line(
            f"POST /recommendations answers in {latency.p50_ms:.1f} ms (median) and {latency.p95_ms:.1f} ms (95th "
            f"percentile), {latency.requests} sequential requests"
        )
    console.print_line(_time_line(summary))


def _time_line(summary: DemoSummary) -> str:
    """Return one sentence about the total time and the longest steps."""
    longest = sorted(summary.steps.items(), key=lambda step: -step[1])[:_SHOWN_SHARES]
    shares = ", ".join(f"{name} {seconds / summary.total_s:.0%}" for name, seconds in longest if summary.total_s)
    first = f", first recommendation after {summary.first.after_s:.0f} s" if summary.first else ""
    return f"Time: {summary.total_s:.0f} s in total{first}; longest steps: {shares or 'none'}"


def _show_details(summary: DemoSummary) -> None:
    for line in dataset_quality.sentences(summary.dataset) if summary.dataset else ():
        console.print_line(line)
    if (shopper := summary.shopper()) is not None:
        _show_shopper(shopper, summary.titles)
    rows: list[list[object]] = [[name, f"{seconds:.1f}"] for name, seconds in summary.steps.items()]
    rows.append(["total (some steps overlap)", f"{summary.total_s:.1f}"])
    console.print_table(["step", "seconds"], rows, title="Steps", right=["seconds"])
    console.print_table(
        ["check", "", "expected", "found"],
        [[check.name, "passed" if check.passed else "FAILED", check.expected, check.found] for check in summary.checks],
        title="Checks",
    )
    for kind, path in summary.files.items():
        console.print_line(f"{kind:<12}  {path}")


def _show_shopper(shopper: Shopper, titles: Mapping[str, str]) -> None:
    before, after = shopper.before.answered, shopper.after.answered
    rows = [
        [rank, titles.get(old, old), titles.get(new, new)]
        for rank, (old, new) in enumerate(zip(before[:_SHOWN_ITEMS], after[:_SHOWN_ITEMS], strict=True), start=1)
    ]
    console.print_table(
        ["rank", "before the replay", "after the replay"], rows, title=f"Recommendations for shopper {shopper.user_id}"
    )
    console.print_table(
        ["item", "rank before", "rank after", "reference after"],
        [
            [titles.get(move.item_id, move.item_id), _rank(move.before), _rank(move.after), _rank(move.reference_after)]
            for move in shopper.moves[:_SHOWN_MOVES]
        ],
        title=f"Never-bought items of shopper {shopper.user_id} that moved ({len(shopper.moves)}; furthest up first)",
    )


def _rank(rank: int | None) -> object:
    return "beyond 500" if rank is None else rank
