"""Metric math and rules of composite alarms, parsed as Python expressions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import ast
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_OPERATORS: Final[Mapping[type[ast.AST], Callable[[Any, Any], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
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
_RULE_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")

Value = float | None
"""Value of a period. It is None without a datapoint, and after a division by zero."""

State = Callable[[str], str]
"""Function that returns the state of an alarm by its name."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Parsed expression, which computes its value from the values of the IDs in it."""

    tree: ast.expr
    ids: frozenset[str]

    def __call__(self, values: Mapping[str, Value]) -> Value:
        return _value(self.tree, values)


def read_math(expression: str) -> Expression:
    """Parse an expression. Raise ValueError for unsupported syntax."""
    tree = _parsed(expression.replace("&&", " and ").replace("||", " or "), expression)
    ids: dict[str, Value] = defaultdict(lambda: 1.0)
    _value(tree, ids)  # Evaluate all parts once, which collects the IDs and raises an error for unsupported syntax.
    return Expression(tree, frozenset(ids))


def read_rule(rule: str) -> Callable[[State], bool]:
    """Return a function that evaluates a composite alarm's rule. Raise ValueError for an invalid rule."""
    expression = re.sub(
        r"""("[^"]*"|'[^']*')|\b(AND|OR|NOT|TRUE|FALSE)\b""", lambda found: found[1] or _RULE_WORDS[found[2]], rule
    )
    tree = _parsed(expression, f"AlarmRule {rule}")
    _holds(tree, lambda alarm: "OK")  # Evaluate the rule once, so that an invalid rule raises an error now.
    return lambda state: _holds(tree, state)


def _parsed(expression: str, original: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{original!r} cannot be read: {error.msg}") from error


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand, values)
            return None if value is None else -value
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]) if (
            compute := _OPERATORS.get(type(op))
        ):
            a, b = _value(left, values), _value(right, values)
            no_value = a is None or b is None or (isinstance(op, ast.Div) and b == 0)
            return None if no_value else float(compute(a, b))
        case ast.BoolOp(op=op, values=parts):
            operands = [_value(part, values) for part in parts]
            together = all if isinstance(op, ast.And) else any
            return None if None in operands else float(together(operands))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _LIST_FUNCTIONS:
            parts = argument.elts if isinstance(argument, ast.List) else [argument]
            found = [value for part in parts if (value := _value(part, values)) is not None]
            return _LIST_FUNCTIONS[name](found) if found else None
        case ast.Call(func=ast.Name(id="ABS"), args=[argument], keywords=[]):
            value = _value(argument, values)
            return None if value is None else abs(value)
        case ast.Call(func=ast.Name(id="FILL"), args=[argument, default], keywords=[]):
            value, filled = _value(argument, values), _value(default, values)
            return filled if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, chosen, *others], keywords=[]) if len(others) < 2:
            value, *choices = (_value(part, values) for part in (condition, chosen, *others))
            return None if value is None else [*choices, None][0 if value else 1]
    raise ValueError(f"{ast.unparse(node)!r} is not implemented here")


def _holds(node: ast.expr, state: State) -> bool:
    match node:
        case ast.Constant(value=bool() as value):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, state)
        case ast.BoolOp(op=op, values=parts):
            together = all if isinstance(op, ast.And) else any
            return together([_holds(part, state) for part in parts])
        case ast.Call(func=ast.Name(id=wanted), args=[ast.Constant(value=str() as alarm)]) if wanted in _STATES:
            return state(alarm.rpartition(":alarm:")[2]) == wanted
    raise ValueError(f"AlarmRule has {ast.unparse(node)!r}, which is not implemented here")
