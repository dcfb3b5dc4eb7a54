"""Mutations of Python source. Each changes one operator, constant, condition or jump."""

from __future__ import annotations

import ast
import copy
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

_COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}
_OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Add(),
    ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(),
    ast.Mod: ast.Add(),
    ast.Pow: ast.Mult(),
    ast.BitAnd: ast.BitOr(),
    ast.BitOr: ast.BitAnd(),
    ast.LShift: ast.RShift(),
    ast.RShift: ast.LShift(),
}
# Types do not change behaviour. Arguments of decorators (frozen, slots) and zip's `strict` only detect mistakes.
_SKIPPED_FIELDS = frozenset({"annotation", "returns", "decorator_list"})
_BUILT_IN_TYPES = frozenset({"bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple"})
_SKIPPED_KEYWORDS = frozenset({"strict"})


@dataclasses.dataclass(frozen=True, slots=True)
class Mutant:
    """File with one change. `text` is the changed line without a comment, and `number` the index in `_edits`."""

    path: Path
    line: int
    text: str
    before: str
    after: str
    number: int

    def compile(self) -> CodeType:
        tree = ast.parse(self.path.read_text())
        parent, field, index, new = list(_edits(tree))[self.number]
        if index is None:
            setattr(parent, field, new)
        else:
            getattr(parent, field)[index] = new
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec", dont_inherit=True)


def mutants(path: Path) -> Iterator[Mutant]:
    source = path.read_text()
    lines = source.splitlines()
    for number, (parent, field, index, new) in enumerate(_edits(ast.parse(source))):
        old = getattr(parent, field) if index is None else getattr(parent, field)[index]
        text = re.sub(r"  # .*", "", lines[old.lineno - 1]).strip()
        yield Mutant(path, old.lineno, text, ast.unparse(old), ast.unparse(new), number)


def _edits(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield each change: parent node, field, index if the field is a list, and new node."""
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED_FIELDS:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _skipped(child):
                continue
            for new in _replacements(child, condition=field in {"test", "ifs"}):
                yield node, field, index, ast.copy_location(new, child)
            yield from _edits(child)


def _skipped(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _SKIPPED_KEYWORDS
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _replacements(node: ast.AST, *, condition: bool) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                yield _with(node, ops=[*node.ops[:index], _COMPARISONS[type(operator)], *node.ops[index + 1 :]])
        case ast.BinOp() | ast.AugAssign():
            if type(node.op) in _OPERATORS and not (isinstance(node, ast.BinOp) and _is_union(node)):
                yield _with(node, op=_OPERATORS[type(node.op)])
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield copy.deepcopy(node.operand)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.expr() if condition:
            yield ast.UnaryOp(ast.Not(), copy.deepcopy(node))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_union(node: ast.BinOp) -> bool:
    """Return true for a union of types, such as `str | None`."""
    return isinstance(node.op, ast.BitOr) and any(
        isinstance(part, ast.Subscript)
        or (isinstance(part, ast.Constant) and part.value is None)
        or (isinstance(part, ast.Name) and (part.id[0].isupper() or part.id in _BUILT_IN_TYPES))
        for part in (node.left, node.right)
    )
