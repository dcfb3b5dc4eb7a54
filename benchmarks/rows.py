"""Rows of a table of measurements with targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Self

from benchmarks.measure import Result


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """Measurement with its comparison and target.

    Attributes
    ----------
    work
        The measured work.
    found
        The cost, with its unit.
    against, found_against
        The comparison in the same run, and its cost.
    ratio
        Ratio of the two; None without a comparison.
    target
        In words; empty without one.
    met
        True if the target is met; None without a target or without a measurement.
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
        cls, work: str, ms: float, against: str, floor_ms: float, *, most: float | None = None, extra_ms: float = 0.0
    ) -> Self:
        """Return a row of milliseconds, with a target of `most` times the floor and `extra_ms` more."""
        target, met = "", None
        if most is not None:
            target = f"≤ {most:g}x" + (f" + {extra_ms:g} ms" if extra_ms else "")
            met = ms <= most * floor_ms + extra_ms
        return cls(work, _milliseconds(ms), against, _milliseconds(floor_ms), ms / floor_ms, target, met)

    @classmethod
    def of(cls, result: Result, *, most: float | None = None) -> Self:
        """Return the row of another benchmark's result."""
        return cls.compared(result.work, result.cost_ms, result.floor, result.floor_ms, most=most)

    @classmethod
    def not_installed(cls, work: str, ms: float, against: str, package: str) -> Self:
        """Return a row whose comparison has to wait for a package that is installed by hand."""
        return cls(work, _milliseconds(ms), against, f"{package} is not installed")

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of a table's columns, see `COLUMNS`."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = "" if self.met is None else "met" if self.met else "**missed**"
        return self.work, self.found, self.against, self.found_against, ratio, self.target, verdict


COLUMNS = ("work", "takes", "against", "takes", "ratio", "target", "")


def markdown(rows: Sequence[Row]) -> str:
    """Return the table of a page. A measurement with several comparisons is stated once."""
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for before, row in zip((None, *rows), rows, strict=False):
        again = before is not None and (row.work, row.found) == (before.work, before.found)
        same = before is not None and row.against == before.against and row.against != ""
        work, found, against, *others = row.cells
        lines.append(("" if again else work, "" if again else found, "the same" if same else against, *others))
    return "\n".join(f"| {' | '.join(cells)} |".replace("  |", " |") for cells in lines)


def _milliseconds(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms >= 100 else f"{ms:.3g} ms"
