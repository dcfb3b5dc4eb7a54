"""The prose check: texts that break a rule of plain English."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.prose.rules import RULES
from tests.prose.texts import texts

ROOT = Path(__file__).parents[2]
_SKIPPED = frozenset({"node_modules", "build", "cdk.out", "__pycache__", "fixtures"})


class Violation(NamedTuple):
    """A text that breaks a rule."""

    path: str
    line: int
    rule: str
    excerpt: str
    advice: str

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


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Print the violations and return the exit status: 1 if there are any."""
    parser = argparse.ArgumentParser(prog="make prose", description="Check prose against the rules of plain English.")
    parser.add_argument("path", nargs="?", default=".", help="Folder or file to check. Default: the repository.")
    below = os.path.normpath(parser.parse_args(arguments).path)
    found = [one for one in violations(root) if below == "." or f"{one.path}/".startswith(f"{below}/")]
    print(*found, f"{len(found)} violations", sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
