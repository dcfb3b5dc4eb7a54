"""Texts for readers, extracted from source files with their kind and position."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

_HELP = frozenset({"help", "short_help", "epilog"})
_MESSAGES = frozenset({"description", "message", "reason", "title"})
_PRINTERS = frozenset({"print_line", "say", "step"})
_NOT_A_FUNCTION = frozenset({"property", "cached_property"})

_PYTHON_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|(?P<comment>#[^\n]*)',
    re.S,
)
_SCRIPT_TOKEN = re.compile(
    r"(?P<doc>/\*\*.*?\*/)|(?P<block>/\*.*?\*/)|(?<![:\w])(?P<comment>//[^\n]*)"
    r'|"(?P<string>(?:[^"\\\n]|\\.)*)"|`(?P<template>(?:[^`\\]|\\.)*)`'
    r"|(?<=[>}])(?P<page>[^<>{}=;()]*?[^\W\d_]{2}[^<>{}=;()]*)(?=[<{])",
    re.S,
)
_MARKUP = re.compile(r"<!--(?P<comment>.*?)-->|<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>|(?P<page>[^<]+)", re.S)
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|pragma|ruff:|mypy:|!|fmt:|pylint|shellcheck|biome)")
_WORDS = re.compile(r"[^\W\d_]{3,}.*\s", re.S)  # excludes paths of icons and names of classes
_TITLE = re.compile(r"^#{1,6} (.*)$", re.M)


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Text of a file, with blanked markup and code. `name` is that of the described constant or field, or empty."""

    kind: str
    line: int
    text: str
    name: str = ""


def texts(path: Path) -> Iterator[Text]:
    """Yield the texts of a file, or none if its type is not checked."""
    read = _READERS.get(path.suffix) or (_hash_comments if path.name in {"Makefile", "run"} else None)
    if read is not None:
        yield from read(path.read_text())


def _python(source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    yield from _docstring(tree, "type")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = [
                decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in node.decorator_list
            ]
            names = {getattr(decorator, "attr", getattr(decorator, "id", "")) for decorator in decorators}
            exempt = node.name.startswith("test_") or names & _NOT_A_FUNCTION
            yield from _docstring(
                node, "help" if names & {"command", "callback"} else "prose" if exempt else "function"
            )
        elif isinstance(node, ast.ClassDef):
            yield from _docstring(node, "type")
            yield from _attributes(node)
        elif isinstance(node, ast.Raise):
            if isinstance(node.exc, ast.Call):
                yield from (_literal("error", argument) for argument in node.exc.args if _is_literal(argument))
        elif isinstance(node, ast.Call):
            if getattr(node.func, "attr", getattr(node.func, "id", "")) in _PRINTERS:
                yield from (_literal("prose", argument) for argument in node.args if _is_literal(argument))
            for keyword in node.keywords:
                if keyword.arg in _HELP | _MESSAGES and _is_literal(keyword.value):
                    yield _literal("help" if keyword.arg in _HELP else "prose", keyword.value)
    yield from _attributes(tree)
    yield from _hash_comments(source)


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> Iterator[Text]:
    if ast.get_docstring(node, clean=False) is not None:
        yield _literal(kind, node.body[0].value)  # type: ignore[attr-defined]


def _attributes(node: ast.Module | ast.ClassDef) -> Iterator[Text]:
    for before, statement in itertools.pairwise(node.body):
        if isinstance(statement, ast.Expr) and _is_literal(statement.value):
            yield dataclasses.replace(_literal("comment", statement.value), name=_assigned(before))


def _assigned(statement: ast.stmt) -> str:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name) | ast.Tuple(elts=[ast.Name(id=name), *_]), *_]):
            return str(name)
        case ast.AnnAssign(target=ast.Name(id=name)):
            return str(name)
    return ""


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _literal(kind: str, node: ast.expr) -> Text:
    """Return a string's text with a placeholder per interpolated value."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    joined = "".join(str(part.value) if isinstance(part, ast.Constant) else "«»" for part in parts)
    return Text(kind, node.lineno, _without_code(joined))


def _hash_comments(source: str) -> Iterator[Text]:
    """Yield comments. Comments on consecutive lines without code are one text."""
    block: list[str] = []
    start = end = 0
    for token in _PYTHON_TOKEN.finditer(source):
        if token["comment"] is None or _DIRECTIVE.match(token["comment"]):
            continue
        line = source.count("\n", 0, token.start()) + 1
        own = not source[source.rfind("\n", 0, token.start()) + 1 : token.start()].strip()
        if not (own and block and line == end + 1):
            if block:
                yield Text("comment", start, _without_code("\n".join(block)))
            block, start = [], line
        block.append(token["comment"].lstrip("#").strip())
        end = line if own else -1
    if block:
        yield Text("comment", start, _without_code("\n".join(block)))


def _script(source: str) -> Iterator[Text]:
    for token in _SCRIPT_TOKEN.finditer(source):
        kind = token.lastgroup or ""
        if kind in {"string", "template", "page"}:
            text, kind = re.sub(r"\$\{[^}]*\}", "«»", token[kind]), "prose"
        else:
            text, kind = re.sub(r"(?m)^\s*\*|^/[/*]+|\*/$", "", token[0]), "comment"
        if _WORDS.search(text):
            yield Text(kind, source.count("\n", 0, token.start(token.lastgroup or 0)) + 1, _without_code(text))


def _page(source: str) -> Iterator[Text]:
    for token in _MARKUP.finditer(source):
        if token.lastgroup is not None and token[token.lastgroup].strip():
            yield Text("prose", source.count("\n", 0, token.start()) + 1, token[token.lastgroup])


def _markdown(source: str) -> Iterator[Text]:
    source = re.sub(r"(?ms)^ *(```|~~~).*?^ *\1[^\n]*|<!--.*?-->", _blank, source)
    source = re.sub(r"\]\([^)\s]*\)|<[^>\n]+>|https?://\S+", _blank, _without_code(source))
    for title in _TITLE.finditer(source):
        yield Text("heading", source.count("\n", 0, title.start()) + 1, title[1])
    yield Text("prose", 1, _TITLE.sub(_blank, source))


def _without_code(text: str) -> str:
    """Return a text with blanked inline code, doctests and literal blocks. Lines keep their numbers."""
    text = re.sub(r"``.+?``|`[^`]+`", lambda found: "«»" + _blank(found), text, flags=re.S)
    text = re.sub(r"(?m)^\s*(?:>>>|\.\.\. ).*$", _blank, text)
    return re.sub(r"(?m)(?<=::)\n\s*\n(?P<indent> +)\S.*\n(?:(?P=indent).*\n|\s*\n)*", _blank, text)


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


_READERS: dict[str, Callable[[str], Iterator[Text]]] = {
    ".py": _python,
    ".ts": _script,
    ".tsx": _script,
    ".css": _script,
    ".html": _page,
    ".md": _markdown,
    ".toml": _hash_comments,
    ".yaml": _hash_comments,
    ".yml": _hash_comments,
    ".sh": _hash_comments,
}
