"""Table of measurements with comparisons and targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Self

from benchmarks.measure import Result


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """Measurement with its comparison and target.

    `ratio` is None without a comparison. `met` is None without a target or a measurement.
    """

    work: str
    found: str
    against: str = ""
    found_against: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None

    @classmethod
    def compared(
        cls,
        work: str,
        ms: float,
        against: str,
        floor_ms: float,
        *,
        max_ratio: float | None = None,
        extra_ms: float = 0.0,
    ) -> Self:
        """Return a row in milliseconds. With `max_ratio`, the target is `max_ratio` times the floor plus `extra_ms`."""
        target, met = "", None
        if max_ratio is not None:
            target = f"≤ {max_ratio:g}x" + (f" + {extra_ms:g} ms" if extra_ms else "")
            met = ms <= max_ratio * floor_ms + extra_ms
        return cls(work, _milliseconds(ms), against, _milliseconds(floor_ms), ms / floor_ms, target, met)

    @classmethod
    def of(cls, result: Result, *, max_ratio: float | None = None) -> Self:
        return cls.compared(result.work, result.cost_ms, result.floor, result.floor_ms, max_ratio=max_ratio)

    @classmethod
    def not_installed(cls, work: str, ms: float, against: str, package: str) -> Self:
        """Return a row that lacks a comparison, because an optional package is not installed."""
        return cls(work, _milliseconds(ms), against, f"{package} is not installed")

    @property
    def cells(self) -> tuple[str, ...]:
        """Texts of the cells, in the order of `COLUMNS`."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = "" if self.met is None else "met" if self.met else "**missed**"
        return self.work, self.found, self.against, self.found_against, ratio, self.target, verdict


COLUMNS = ("work", "takes", "against", "takes", "ratio", "target", "")


def markdown(rows: Sequence[Row]) -> str:
    """Return a Markdown table. Cells that repeat the work and cost of the previous row are blank, and a repeated
    comparison is `the same`.
    """
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for before, row in zip((None, *rows), rows, strict=False):
        again = before is not None and (row.work, row.found) == (before.work, before.found)
        same = before is not None and row.against == before.against and row.against != ""
        work, found, against, *others = row.cells
        lines.append(("" if again else work, "" if again else found, "the same" if same else against, *others))
    return "\n".join(f"| {' | '.join(cells)} |".replace("  |", " |") for cells in lines)


def _milliseconds(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms >= 100 else f"{ms:.3g} ms"
