"""Reader of a configuration file. It reports invalid content with line and column."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document import document as configuration_document
from alsolike.runtime.errors import InvalidInput
from alsolike.schema.document import InvalidConfiguration
from operations.configuration import checks, yaml_document
from operations.configuration.yaml_document import Finding, YamlDocument

STANDARD_INPUT = Path("-")
MAX_BYTES = 512 << 10


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """Valid configuration file.

    `undeclared` are columns and event types in filters that the configuration does not declare. A filter with such a
    name usually passes no item. `warnings` are valid values with an effect that the author may not expect.
    """

    name: str
    yaml: YamlDocument
    configuration: Configuration
    undeclared: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def text(self) -> str:
        return self.yaml.text

    @property
    def document(self) -> Mapping[str, Any]:
        document: Mapping[str, Any] = self.yaml.value
        return document


class InvalidFile(InvalidInput):
    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        self.name = name
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(place(name, finding) for finding in self.findings))


def place(name: str, finding: Finding) -> str:
    """Return a finding in the format of compiler messages, `name:line:column: message`."""
    return f"{name}:{finding.line}:{finding.column}: {finding.message}"


def read(path: Path, *, now_ms: int) -> ConfigurationFile:
    """Read and check a file. `-` is standard input."""
    name = "stdin" if path == STANDARD_INPUT else str(path)
    return check(_text(path, name), name=name, now_ms=now_ms)


def check(text: str, *, name: str, now_ms: int) -> ConfigurationFile:
    try:
        document = yaml_document.read(text)
    except yaml_document.InvalidYaml as error:
        raise InvalidFile(name, [Finding(error.line, error.column, str(error))]) from error
    findings = list(document.findings)
    try:
        configuration = configuration_document.parse(document.value)
    except InvalidConfiguration as error:
        findings += [document.locate(fault) for fault in error.faults]
    if findings:
        raise InvalidFile(name, findings)
    unknown = map(document.locate, checks.undeclared_names(configuration))
    warnings = map(document.locate, checks.past_rules(configuration, now_ms=now_ms))
    return ConfigurationFile(name, document, configuration, tuple(unknown), tuple(warnings))


def _text(path: Path, name: str) -> str:
    try:
        if path == STANDARD_INPUT:
            body = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from error
    if len(body) > MAX_BYTES:
        raise InvalidInput(f"{name} is longer than {MAX_BYTES >> 10} KiB, expected a configuration")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        column = len(body[body.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        message = f"has the byte 0x{body[error.start]:02x}, which is not valid UTF-8"
        raise InvalidFile(name, [Finding(line, column, message)]) from error
