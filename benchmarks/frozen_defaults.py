"""`python -m benchmarks.frozen_defaults`: write the defaults of all algorithms to a dated page.

A data set on which no model was evaluated before the page's date is an independent test of the defaults.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alsolike.configuration.configuration import HISTORY_LENGTH
from model_export.algorithms import blend, distilled, known
from model_export.api import Algorithm
from model_export.evaluation import selection

FOLDER = Path("docs")
CONSTANTS: dict[str, Any] = {
    "limits.history_length": HISTORY_LENGTH,
    "blend.STEPS": blend.STEPS,
    "blend.MAX_STEPS": blend.MAX_STEPS,
    "blend.WORTH": blend.WORTH,
    "blend.HALF_LIFE_OF": blend.HALF_LIFE_OF,
    "distilled.POSITION_DECAYS": distilled.POSITION_DECAYS,
    "distilled.MAX_ROUNDS": distilled.MAX_ROUNDS,
    "selection.MAX_VALIDATION_QUERIES": selection.MAX_VALIDATION_QUERIES,
    "selection.MIN_CHANGED_USERS": selection.MIN_CHANGED_USERS,
    "selection.FOLDS": selection.FOLDS,
}
"""Constants that affect the selection of settings and weights, by name."""


def main(arguments: Sequence[str]) -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.frozen_defaults", description=__doc__).parse_args(arguments)
    path = write(FOLDER, date=datetime.datetime.now(datetime.UTC).date())
    sys.stdout.write(f"{path}\n")


def write(folder: Path, *, date: datetime.date) -> Path:
    """Return the path of the page with the defaults. Write it unless the newest page has them already.

    Exit if the page of this date has other defaults, because a frozen page never changes.
    """
    frozen = newest(folder)
    if frozen is not None and frozen.read_text() == document(date_of(frozen)):
        return frozen
    path = folder / f"frozen-defaults-{date}.md"
    if path.exists():
        raise SystemExit(
            f"{path} has other defaults, and a frozen page never changes. Undo the change of the defaults, or freeze "
            "them on another day"
        )
    path.write_text(document(date))
    return path


def newest(folder: Path) -> Path | None:
    return max(folder.glob("frozen-defaults-*.md"), default=None)


def date_of(page: Path) -> datetime.date:
    return datetime.date.fromisoformat(re.sub(r"^frozen-defaults-", "", page.stem))


def document(date: datetime.date) -> str:
    lines = [
        f"# Frozen defaults, {date}",
        "",
        "`python -m benchmarks.frozen_defaults` writes this page. A test fails if the defaults of the code differ from "
        "the newest of these pages.",
        "",
        "*Compared* are the values that a training compares on the validation set.",
        "",
        "| algorithm | setting | default | compared |",
        "|---|---|---|---|",
    ]
    for name, algorithm in known().items():
        lines += (f"| {name} | {setting} | {value} | {compared} |" for setting, value, compared in _settings(algorithm))
    lines += ["", "| constant | value |", "|---|---|"]
    lines += (f"| {name} | {_text(value)} |" for name, value in CONSTANTS.items())
    return "\n".join(lines) + "\n"


def _settings(algorithm: Algorithm) -> Iterator[tuple[str, str, str]]:
    grid = algorithm.param_grid()
    for field in dataclasses.fields(algorithm):
        compared = list(dict.fromkeys(_text(getattr(settings, field.name)) for settings in grid))
        yield field.name, _text(getattr(algorithm, field.name)), ", ".join(compared) if len(compared) > 1 else ""


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "none"
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
