"""Snippets of the documentation, run as a reader runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def snippets(page: Path, *languages: str) -> Iterator[tuple[str, str, str]]:
    """Yield the heading, language and text of each fenced block in one of the languages, in order."""
    heading = ""
    for title, language, text in re.findall(r"^#+ ([^\n]+)$|^```(\w+)\n(.*?)^```$", page.read_text(), re.M | re.S):
        heading = title or heading
        if language in languages:
            yield heading, language, text


def run(language: str, text: str, *, environment: Mapping[str, str], directory: Path, stdin: str = "") -> str:
    command = ["bash", "-ec", text] if language == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(
        command, env=environment, cwd=directory, input=stdin, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout
