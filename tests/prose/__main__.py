"""The prose check: violations per top-level folder and rule, compared with the recorded counts, which may only fall."""

from __future__ import annotations

import argparse
import collections
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.prose.rules import RULES
from tests.prose.texts import texts

ROOT = Path(__file__).parents[2]
COUNTS = Path(__file__).parent / "counts.txt"
_SKIPPED = frozenset({"node_modules", "build", "cdk.out", "__pycache__", "fixtures"})

Counts = dict[tuple[str, str], int]
"""Violations per folder and rule; pairs without violations are absent."""


class Violation(NamedTuple):
    """A text that breaks a rule."""

    path: str
    line: int
    rule: str
    excerpt: str
    advice: str

    @property
    def folder(self) -> str:
        """The top-level folder, or `.` for a file outside folders."""
        return self.path.split("/")[0] if "/" in self.path else "."

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.excerpt!r}; {self.advice}"


def files(root: Path) -> Iterator[Path]:
    """Yield the repository's files; hidden folders but `.ci`, and folders of built or installed files, are skipped."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and (name[0] != "." or name == ".ci"))
        yield from (Path(folder, name) for name in sorted(names))


def violations(root: Path) -> Iterator[Violation]:
    """Yield all violations in the files below a folder."""
    for path in files(root):
        for text in texts(path):
            for rule in RULES:
                for start, words in rule.matches(text):
                    line = text.line + text.text.count("\n", 0, start)
                    excerpt = " ".join(text.text[max(0, start - 25) : start + 45].split())
                    yield Violation(
                        path.relative_to(root).as_posix(), line, rule.name, f"{words}: {excerpt}", rule.advice
                    )


def read(path: Path) -> Counts:
    """Return recorded counts."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {(folder, rule): int(count) for folder, rule, count in rows}


def write(path: Path, counts: Counts) -> None:
    """Write counts, one per line and sorted, so that branches conflict only where both change the same count."""
    path.write_text("".join(f"{folder} {rule} {count}\n" for (folder, rule), count in sorted(counts.items()) if count))


def table(counts: Counts, recorded: Counts) -> str:
    """Return a table of folders and rules; a count that differs from the recorded one shows both."""
    rules = [rule.name for rule in RULES]
    rows = [["", *rules]]
    for folder in sorted({folder for folder, _ in counts | recorded}):
        pairs = [(counts.get((folder, rule), 0), recorded.get((folder, rule), 0)) for rule in rules]
        rows.append([folder, *(str(count) if count == before else f"{before}>{count}" for count, before in pairs)])
    return "\n".join(f"{row[0]:14}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows)


def added_lines(root: Path) -> frozenset[tuple[str, int]]:
    """Return the path and number of each line that the branch, or else the last commit, adds; empty without Git."""

    def git(*arguments: str) -> str:
        return subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    base = git("merge-base", "HEAD", "origin/main")
    if not base or (base == git("rev-parse", "HEAD") and not git("status", "--porcelain")):
        base = "HEAD~1"
    added: set[tuple[str, int]] = set()
    path = ""
    for line in git("diff", "--unified=0", base).splitlines():
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            added.update((path, int(hunk[1]) + index) for index in range(int(hunk[2] or 1)))
    return frozenset(added)


def main(arguments: list[str] | None = None, *, root: Path = ROOT, counts_file: Path = COUNTS) -> int:
    """Check the repository and return the exit status: 1 if a count differs from the recorded one."""
    parser = argparse.ArgumentParser(prog="make prose", description="Check prose against the rules of plain English.")
    parser.add_argument("--list", metavar="PATH", help="List the violations below PATH, . for all, and exit.")
    parser.add_argument("--record", action="store_true", help="Record lower counts.")
    parser.add_argument(
        "--moved",
        action="store_true",
        help="Record counts after moving files between folders. Fails if a rule's total rises.",
    )
    options = parser.parse_args(arguments)
    found = list(violations(root))
    if options.list is not None:
        below = os.path.normpath(options.list)
        print(
            *(violation for violation in found if f"{violation.path}/".startswith(f"{below}/" if below != "." else "")),
            sep="\n",
        )
        return 0
    counts: Counts = collections.Counter((violation.folder, violation.rule) for violation in found)
    recorded = read(counts_file)
    print(table(counts, recorded))
    if options.moved and all(_total(counts, rule.name) <= _total(recorded, rule.name) for rule in RULES):
        write(counts_file, counts)
        return 0
    higher = {pair for pair, count in counts.items() if count > recorded.get(pair, 0)}
    lower = {pair for pair, count in recorded.items() if count > counts[pair]}
    if options.record and not higher:
        write(counts_file, {pair: min(count, counts[pair]) for pair, count in recorded.items()})
    elif lower:
        print("Counts have fallen. Record them with `make prose ARGS=--record` and commit tests/prose/counts.txt.")
    if higher:
        print(*_new(found, higher, added_lines(root)), sep="\n")
        print("Counts have risen. Rewrite these texts.")
    return int(bool(higher or (lower and not options.record)))


def _new(
    found: Iterable[Violation], higher: set[tuple[str, str]], added: frozenset[tuple[str, int]]
) -> list[Violation]:
    """Return the violations of the risen counts on added lines, or all of them if no added line has one."""
    candidates = [violation for violation in found if (violation.folder, violation.rule) in higher]
    return [violation for violation in candidates if (violation.path, violation.line) in added] or candidates


def _total(counts: Counts, rule: str) -> int:
    return sum(count for (_, name), count in counts.items() if name == rule)


if __name__ == "__main__":
    sys.exit(main())
