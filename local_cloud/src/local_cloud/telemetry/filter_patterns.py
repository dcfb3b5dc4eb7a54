"""Filter patterns of CloudWatch Logs, which select the lines of a subscription.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import functools
import json
import operator
import re
from collections.abc import Callable
from typing import Any, Final

_JSON = re.compile(
    r"""\{\s*\$(?P<path>(?:\.[A-Za-z0-9_-]+)+)\s*
    (?P<sign>!=|<=|>=|=|<|>)\s*
    (?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"{}()&|]+))\s*\}""",
    re.VERBOSE,
)
_TERMS = re.compile(r"[A-Za-z0-9_]+(?:\s+[A-Za-z0-9_]+)*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_SIGNS: Final = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@functools.lru_cache(maxsize=256)
def read_pattern(pattern: str) -> Callable[[str], bool]:
    """Compile a pattern to a predicate of lines. Raise ValueError for an unsupported pattern.

    Supported are the empty pattern, a list of words that must all occur, and a comparison of one JSON field with a
    number or text, such as `{ $.user.name = "a*" }`, in which `*` matches any text.
    """
    if not pattern.strip():
        return lambda line: True
    if _TERMS.fullmatch(pattern.strip()):
        words = pattern.split()
        return lambda line: all(word in line for word in words)
    if not (found := _JSON.fullmatch(pattern.strip())):
        raise ValueError(f"filter pattern {pattern!r} is of a kind that is not implemented here")
    path, compare = found["path"].split(".")[1:], _SIGNS[found["sign"]]
    if found["quoted"] is None and _NUMBER.fullmatch(found["bare"]):
        number = float(found["bare"])
        return lambda line: _is_number(value := _field(line, path)) and compare(value, number)
    if found["sign"] not in ("=", "!="):
        raise ValueError(f"filter pattern {pattern!r} orders text, expected a number")
    parts = (found["quoted"] if found["bare"] is None else found["bare"]).split("*")
    text = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)

    def matches(line: str) -> bool:
        value = _field(line, path)
        return isinstance(value, str) and (text.fullmatch(value) is not None) == (found["sign"] == "=")

    return matches


def _field(line: str, path: list[str]) -> Any:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
