"""Search in a program's sources for calls of Amazon Personalize that Alsolike does not support."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from alsolike.configuration.control_plane import REFUSED
from alsolike.runtime.errors import InvalidInput

SUFFIXES = frozenset({".py", ".ipynb", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".json", ".yaml", ".yml"})
MAX_BYTES = 5_000_000
_SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__", "cdk.out"})

_INTEGRATIONS = {
    r"AWS::Personalize::\w+": "CloudFormation calls AWS itself and accepts no endpoint: use boto3 or the AWS CLI",
    r"aws-sdk:personalize\w*": "Step Functions call AWS itself and accept no endpoint: call the API from a function",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Unsupported call. The path of `file` is relative to the checked folder."""

    file: str
    line: int
    call: str
    instead: str


def find_refused_calls(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder, expected a folder with sources")
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix in SUFFIXES and path.is_file() and not _SKIPPED & set(parts):
            if path.stat().st_size > MAX_BYTES:
                continue
            yield from _text_findings(path.read_text(errors="replace"), name="/".join(parts))


def _text_findings(text: str, *, name: str) -> Iterator[Finding]:
    # In a file that does not mention Personalize, the calls are of other services' operations with the same names.
    if "personalize" not in text.lower():
        return
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _CALLS.finditer(line):
            call = next(group for group in match.groups() if group)
            yield Finding(name, number, call, REFUSED[_OPERATIONS[call]])
        for pattern, instead in _INTEGRATIONS.items():
            for match in re.finditer(pattern, line):
                yield Finding(name, number, match[0], instead)


def _spellings() -> Mapping[str, str]:
    """Return the operation by its method name in boto3 and in both versions of the JavaScript SDK."""
    names: dict[str, str] = {}
    for operation in REFUSED:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        names |= {snake: operation, f"{operation}Command": operation, operation[0].lower() + operation[1:]: operation}
    return names


_OPERATIONS = _spellings()
_METHODS = "|".join(name for name in _OPERATIONS if not name.endswith("Command"))
_COMMANDS = "|".join(name for name in _OPERATIONS if name.endswith("Command"))
_CALLS = re.compile(rf"\.({_METHODS})\s*\(|\bnew\s+({_COMMANDS})\b")
