"""Parser of YAML to plain values that keeps their positions, and writer of YAML."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode

from alsolike.runtime.errors import InvalidInput
from alsolike.schema.document import Fault, Path, dotted

MAX_DEPTH = 32
_DOUBLE_QUOTED = re.compile(r"\\(?:\n[ \t\n]*|x..|u.{4}|U.{8}|.)|[ \t]*(?:\n[ \t]*)+|.", re.DOTALL)
"""Pattern of one character in double quotes: an escape, line breaks with their spaces, or the character itself."""

_CORE = "tag:yaml.org,2002:"


class InvalidYaml(InvalidInput):
    """The text is not valid YAML. `line` and `column`, counted from 1, are the position of the error."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Message about a place in a file, with line and column counted from 1."""

    line: int
    column: int
    message: str
    path: Path = dataclasses.field(default=(), compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class YamlDocument:
    """Parsed document. `findings` are duplicate keys, and values with a tag that does not fit."""

    text: str
    value: Any
    findings: tuple[Finding, ...]
    _nodes: Mapping[Path, tuple[Node | None, Node]]

    def locate(self, fault: Fault) -> Finding:
        return Finding(*self._place(fault), str(fault), fault.path)

    def _place(self, fault: Fault) -> tuple[int, int]:
        if not self._nodes:  # The document is empty or contains only comments.
            return 1, 1
        key, node = self._nodes[fault.path]
        start = key if fault.at_key and key is not None else node
        position = start.start_mark.index
        if fault.offset is not None and isinstance(node, ScalarNode):
            position += _offset_in_source(self.text[position : node.end_mark.index], node, fault.offset)
        return _line_and_column(self.text, position)


def read(text: str) -> YamlDocument:
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        line, column = _line_and_column(text, mark.index if mark else 0)
        raise InvalidYaml(f"is not valid YAML from here on: {message}", line=line, column=column) from error
    except yaml.reader.ReaderError as error:
        line, column = _line_and_column(text, error.position)
        raise InvalidYaml(
            f"has the character U+{ord(text[error.position]):04X}, which YAML does not allow", line=line, column=column
        ) from error
    if node is None:
        return YamlDocument(text, None, (), {})
    reading = _Reading(text)
    value = reading.value(node)
    return YamlDocument(text, value, tuple(reading.findings), reading.nodes)


def dump(document: object) -> str:
    written: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return written


class _Resolver(yaml.resolver.BaseResolver):  # type: ignore[misc]
    """YAML 1.2's core schema, without octal, hexadecimal, infinite and NaN numbers. `no`, `1:30` and dates are
    strings.
    """


for _tag, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Resolver.add_implicit_resolver(f"{_CORE}{_tag}", re.compile(f"(?:{_form})\\Z"), _first)


class _Loader(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer, _Resolver):  # type: ignore[misc]
    """Loader that rejects nesting deeper than `MAX_DEPTH`, and aliases.

    A short text with aliases could expand to any size.
    """

    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        _Resolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node:
        mark = self.peek_event().start_mark
        if self.check_event(AliasEvent):
            raise ComposerError(None, None, "found an alias (*name), expected the value itself", mark)
        if self._depth >= MAX_DEPTH:
            raise ComposerError(None, None, f"found nesting more than {MAX_DEPTH} deep", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """YAML writer without aliases that indents the elements of lists and quotes strings by the schema of `read`."""

    yaml_implicit_resolvers = _Resolver.yaml_implicit_resolvers

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


class _Reading:
    """Conversion of nodes to values that records the node of each value."""

    def __init__(self, text: str) -> None:
        self.findings: list[Finding] = []
        self.nodes: dict[Path, tuple[Node | None, Node]] = {}
        self._text = text

    def value(self, node: Node, path: Path = (), key: Node | None = None) -> Any:
        self.nodes[path] = (key, node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        return [self.value(element, (*path, index)) for index, element in enumerate(node.value)]

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, element in node.value:
            line, column = _line_and_column(self._text, key.start_mark.index)
            if not isinstance(key, ScalarNode):
                raise InvalidYaml("is a key with several values, expected a string", line=line, column=column)
            name = key.value
            if name in lines:
                key_path = (*path, name)
                message = f"{dotted(key_path)} duplicates the key in line {lines[name]}"
                self.findings.append(Finding(line, column, message, key_path))
                continue
            lines[name] = line
            values[name] = self.value(element, (*path, name), key)
        return values

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        tag, text = node.tag.removeprefix(_CORE), node.value
        if tag == "str":
            return text
        if tag == "null" and text.lower() in ("", "~", "null"):
            return None
        if tag == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            if tag == "int":
                return int(text)
            if tag == "float":
                return float(text)
        except ValueError:
            pass
        line, column = _line_and_column(self._text, node.start_mark.index)
        written = f"!!{tag}" if tag != node.tag else tag
        message = f"{dotted(path)} is {text!r} with the tag {written}, expected a value without a tag"
        self.findings.append(Finding(line, column, message, path))
        return text


def _offset_in_source(source: str, scalar: ScalarNode, offset: int) -> int:
    """Return the position of the character `scalar.value[offset]` in the source of a scalar.

    White space in the source may differ, and quotes may be escaped.
    """
    if scalar.style == '"':
        length = 0
        for written in _DOUBLE_QUOTED.finditer(source, source.index('"') + 1):
            # A single line break stands for a space, or for no character if it is escaped, and n > 1 line breaks for
            # n - 1 line breaks.
            length += max(written[0].count("\n") - 1, 0 if written[0].startswith("\\\n") else 1)
            if length > offset:
                return written.start()
    words = re.split(r"\s+", scalar.value[: offset + 1])
    pattern = r"\s+".join(map(re.escape, words)).replace("'", "''?")
    start = source.find("\n") if source.startswith(("|", ">")) else 0  # The first line of a block can have a comment.
    found = re.compile(pattern).search(source, start)
    return found.end() - (offset < len(scalar.value)) if found else 0


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1
