"""Rules of composite alarms, parsed as Python expressions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import ast
import re
from collections.abc import Callable

_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")

State = Callable[[str], str]
"""Function that returns the state of an alarm by its name."""


def read_rule(rule: str) -> Callable[[State], bool]:
    """Return a function that evaluates a composite alarm's rule. Raise ValueError for an invalid rule."""
    expression = re.sub(
        r"""("[^"]*"|'[^']*')|\b(AND|OR|NOT|TRUE|FALSE)\b""", lambda found: found[1] or _WORDS[found[2]], rule
    )
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"AlarmRule {rule!r} cannot be read: {error.msg}") from error
    _holds(tree, lambda alarm: "OK")  # Evaluate the rule once, so that an invalid rule raises an error now.
    return lambda state: _holds(tree, state)


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
