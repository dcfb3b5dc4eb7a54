"""Metric math, parsed as Python expressions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LIST_FUNCTIONS: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: sum(values) / len(values),
}

Value = float | None
"""Value of a period. It is None without a datapoint, and after a division by zero."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Parsed expression, which computes its value from the values of the IDs in it."""

    tree: ast.expr
    ids: frozenset[str]

    def __call__(self, values: Mapping[str, Value]) -> Value:
        return _value(self.tree, values)


def read_math(expression: str) -> Expression:
    """Parse an expression. Raise ValueError for unsupported syntax."""
    try:
        tree = ast.parse(expression.replace("&&", " and ").replace("||", " or ").strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{expression!r} cannot be read: {error.msg}") from error
    _check(tree, expression)
    functions = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    ids = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in functions}
    return Expression(tree, frozenset(ids))


_KNOWN = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Call, ast.List)
_CALLS: Final = {"IF": (2, 3), "FILL": (2, 2), "ABS": (1, 1), **dict.fromkeys(_LIST_FUNCTIONS, (1, 1))}


def _check(tree: ast.expr, expression: str) -> None:
    lists: list[ast.expr] = []
    for node in ast.walk(tree):
        known = not isinstance(node, ast.expr) or isinstance(node, _KNOWN)
        match node:
            case ast.Constant(value=value):
                known = isinstance(value, bool | int | float)
            case ast.UnaryOp(op=op):
                known = isinstance(op, ast.USub)
            case ast.BinOp(op=op):
                known = type(op) in _ARITHMETIC
            case ast.Compare(ops=ops):
                known = len(ops) == 1 and type(ops[0]) in _COMPARISONS
            case ast.List():
                known = node in lists
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                minimum, maximum = _CALLS.get(name, (1, 0))
                known = minimum <= len(arguments) <= maximum
                lists += arguments if name in _LIST_FUNCTIONS else []
            case ast.Call():
                known = False
        if not known and isinstance(node, ast.expr):
            raise ValueError(f"{expression!r} has {ast.unparse(node)!r}, which is not implemented here")


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand, values)
            return None if value is None else -value
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, values), _value(right, values)
            if a is None or b is None or (isinstance(op, ast.Div) and b == 0):
                return None
            return _ARITHMETIC[type(op)](a, b)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = _value(left, values), _value(right, values)
            return None if a is None or b is None else float(_COMPARISONS[type(op)](a, b))
        case ast.BoolOp(op=op, values=parts):
            operands = [_value(part, values) for part in parts]
            together = all if isinstance(op, ast.And) else any
            return None if None in operands else float(together(operands))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _called(name, arguments, values)
    raise ValueError(f"{ast.unparse(node)!r} is not implemented here")


def _called(name: str, arguments: list[ast.expr], values: Mapping[str, Value]) -> Value:
    if name in _LIST_FUNCTIONS:
        parts = arguments[0].elts if isinstance(arguments[0], ast.List) else arguments
        found = [value for part in parts if (value := _value(part, values)) is not None]
        return _LIST_FUNCTIONS[name](found) if found else None
    first = _value(arguments[0], values)
    if name == "FILL":
        return _value(arguments[1], values) if first is None else first
    if first is None:
        return None
    if name == "ABS":
        return abs(first)
    chosen = arguments[1:2] if first else arguments[2:3]
    return _value(chosen[0], values) if chosen else None
