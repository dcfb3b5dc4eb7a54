"""The table of a training's candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from alsolike.registry.versions import AlgorithmFigures
from cli import console

HOLDOUT = "Quality on the test part (* selected on the validation part)"


def print_candidates(
    figures: Sequence[AlgorithmFigures],
    *,
    title: str = HOLDOUT,
    left_out: Mapping[str, str] = MappingProxyType({}),
    selection: Sequence[str] = (),
) -> None:
    """Print what was left out and why, the comparison as a table in which the winner is marked, and why it won."""
    for name, reason in left_out.items():
        console.print_line(f"{name} was left out: {reason}")
    rows = []
    for figure in figures:
        name = f"{figure.algorithm} *" if figure.winner else figure.algorithm
        rows.append(
            [name, figure.validation_ndcg, figure.hr, figure.ndcg, figure.mrr, figure.coverage, _seconds(figure.fit_s)]
        )
    columns = ["algorithm", "validation NDCG@10", "HR@10", "NDCG@10", "MRR", "coverage", "fit s"]
    console.print_table(columns, rows, title=title)
    for line in selection:
        console.print_line(line)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"
