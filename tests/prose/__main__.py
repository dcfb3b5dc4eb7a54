"""Prose check, which finds texts that break a rule of plain English."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.prose.rules import BUDGETED_RULES, RULES, Rule
from tests.prose.texts import texts

ROOT = Path(__file__).parents[2]
BUDGETS = Path("tests/prose/budgets.json")
_SKIPPED = frozenset({"node_modules", "build", "cdk.out", "__pycache__", "fixtures"})


class Violation(NamedTuple):
    path: str
    line: int
    rule: str
    excerpt: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.excerpt!r}; {self.advice}"


def files(root: Path) -> Iterator[Path]:
    """Yield the repository's files, except built, installed and sample files, and hidden folders other than `.ci`."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and (name[0] != "." or name == ".ci"))
        yield from (Path(folder, name) for name in sorted(names))


def violations(root: Path, rules: Sequence[Rule] = RULES) -> Iterator[Violation]:
    for path in files(root):
        for text in texts(path):
            for rule in rules:
                for start, words in rule.matches(text):
                    line = text.line + text.text.count("\n", 0, start)
                    excerpt = " ".join(text.text[max(0, start - 25) : start + 45].split())
                    yield Violation(
                        path.relative_to(root).as_posix(), line, rule.name, f"{words}: {excerpt}", rule.advice
                    )


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Print the violations, and return 1 if a rule without a budget has any, or a folder exceeds its budget."""
    parser = argparse.ArgumentParser(prog="make prose", description="Check prose against the rules of plain English.")
    parser.add_argument("path", nargs="?", default=".", help="Folder or file to check. Default: the repository.")
    parser.add_argument("--all", action="store_true", help="Print also the violations within the budgets.")
    parser.add_argument("--lower", action="store_true", help="Lower the budgets to the current numbers.")
    options = parser.parse_args(arguments)
    below = os.path.normpath(options.path)

    def selected(rules: Sequence[Rule]) -> list[Violation]:
        return [one for one in violations(root, rules) if below == "." or f"{one.path}/".startswith(f"{below}/")]

    violated, budgeted = selected(RULES), selected(BUDGETED_RULES)
    budgets = read_budgets(root)
    counts = Counter(one.path.partition("/")[0] for one in budgeted)
    exceeded = {folder for folder, count in counts.items() if count > budgets.get(folder, 0)}
    found = violated + [one for one in budgeted if options.all or one.path.partition("/")[0] in exceeded]
    print(*found, f"{len(found)} violations", sep="\n")
    for folder in sorted(exceeded):
        print(f"{folder}: {counts[folder]} violations of budgeted rules, expected at most {budgets.get(folder, 0)}")
    if options.lower and below == ".":
        lowered = {folder: min(count, counts[folder]) for folder, count in budgets.items()}
        (root / BUDGETS).write_text(json.dumps(lowered, indent=2) + "\n")
    return int(bool(violated or exceeded))


def read_budgets(root: Path) -> dict[str, int]:
    path = root / BUDGETS
    budgets: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    return budgets


if __name__ == "__main__":
    sys.exit(main())
