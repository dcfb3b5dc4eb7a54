"""Printed results of the demo."""

from __future__ import annotations

from collections.abc import Mapping

from cli import terminal
from cli.models import print_candidates
from operations.demo.comparison import Shopper
from operations.demo.results import SHOWN_ITEMS, SHOWN_MOVES, DemoSummary
from operations.models import dataset_quality

_SHOWN_SHARES = 4


def show_first(summary: DemoSummary) -> None:
    if (first := summary.first) is None:
        return
    terminal.print_line(f"\nRecommendations for shopper {first.user_id}, {first.after_s:.0f} s after the start:")
    titles = (summary.titles.get(item_id, item_id) for item_id in first.item_ids)
    terminal.print_lines(f"  {number}. {title}" for number, title in enumerate(titles, start=1))
    terminal.print_line()


def show(summary: DemoSummary, *, verbose: bool = False) -> None:
    if summary.candidates:
        print_candidates(summary.candidates, title=summary.candidates_title, left_out=summary.left_out)
    if verbose:
        _show_details(summary)
    terminal.print_lines(f"{'passed' if check.passed else 'FAILED'}  {check.found}" for check in summary.checks)
    if latency := summary.latency:
        terminal.print_line(
            f"POST /recommendations answers in {latency.p50_ms:.1f} ms (median) and {latency.p95_ms:.1f} ms (95th "
            f"percentile), {latency.requests} sequential requests"
        )
    terminal.print_line(_time_line(summary))


def _time_line(summary: DemoSummary) -> str:
    longest = sorted(summary.steps.items(), key=lambda step: -step[1])[:_SHOWN_SHARES]
    shares = ", ".join(f"{name} {seconds / summary.total_s:.0%}" for name, seconds in longest if summary.total_s)
    first = f", first recommendation after {summary.first.after_s:.0f} s" if summary.first else ""
    return f"Time: {summary.total_s:.0f} s in total{first}; longest steps: {shares or 'none'}"


def _show_details(summary: DemoSummary) -> None:
    terminal.print_lines(dataset_quality.sentences(summary.dataset) if summary.dataset else ())
    if (shopper := summary.shopper()) is not None:
        _show_shopper(shopper, summary.titles)
    rows: list[list[object]] = [[name, f"{seconds:.1f}"] for name, seconds in summary.steps.items()]
    rows.append(["total (some steps overlap)", f"{summary.total_s:.1f}"])
    terminal.print_table(["step", "seconds"], rows, title="Steps", right=["seconds"])
    terminal.print_table(
        ["check", "", "expected", "found"],
        [[check.name, "passed" if check.passed else "FAILED", check.expected, check.found] for check in summary.checks],
        title="Checks",
    )
    terminal.print_values(summary.files, width=13)


def _show_shopper(shopper: Shopper, titles: Mapping[str, str]) -> None:
    before, after = shopper.before.answered, shopper.after.answered
    rows = [
        [rank, titles.get(old, old), titles.get(new, new)]
        for rank, (old, new) in enumerate(zip(before[:SHOWN_ITEMS], after[:SHOWN_ITEMS], strict=True), start=1)
    ]
    terminal.print_table(
        ["rank", "before the replay", "after the replay"], rows, title=f"Recommendations for shopper {shopper.user_id}"
    )
    terminal.print_table(
        ["item", "rank before", "rank after", "reference after"],
        [
            [titles.get(move.item_id, move.item_id), _rank(move.before), _rank(move.after), _rank(move.reference_after)]
            for move in shopper.moves[:SHOWN_MOVES]
        ],
        title=f"Never-bought items of shopper {shopper.user_id} that moved ({len(shopper.moves)}; furthest up first)",
    )


def _rank(rank: int | None) -> object:
    return "beyond 500" if rank is None else rank
