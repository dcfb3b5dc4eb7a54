"""DynamoDB's condition, update and projection expressions, as far as the product uses them.

Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from tests.fakes.service import ServiceError

Value = Mapping[str, Any]  # an attribute value with its type, such as {"N": "1"}
Item = dict[str, Any]
Condition = Callable[[Item], bool]
Assignment = tuple[str, Callable[[Item], Value]]

_T = TypeVar("_T")
_TOKENS = re.compile(r"\s*([#:]?\w+|<=|>=|[=<>(),])")
_COMPARATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS = {"attribute_exists": True, "attribute_not_exists": False}


def validation(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


class Expressions:
    """Expressions of one request, which share names and values."""

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, Value] | None) -> None:
        self._names, self._values = names or {}, values or {}
        self._used: set[str] = set()

    def condition(self, text: str) -> Condition:
        """Return a function that evaluates a condition or a filter for an item."""
        parser = _Parser(text, self)
        condition = parser.disjunction()
        parser.finish()
        return condition

    def update(self, text: str) -> Mapping[str, Callable[[Item], Value]]:
        """Return a function per changed attribute.

        The function receives the item before the update and returns the new value.
        """
        parser = _Parser(text, self)
        assignments = parser.assignments()
        parser.finish()
        if len({name for name, _ in assignments}) < len(assignments):
            raise validation("Invalid UpdateExpression: Two document paths overlap with each other;")
        return dict(assignments)

    def projection(self, text: str) -> Callable[[Item], Item]:
        """Return a function that projects an item to a new item."""
        parser = _Parser(text, self)
        names = parser.separated(parser.name)
        parser.finish()
        return lambda item: {name: item[name] for name in names if name in item}

    def check_all_used(self) -> None:
        for kind, given in (("Names", self._names), ("Values", self._values)):
            if unused := sorted(set(given) - self._used):
                keys = ", ".join(unused)
                raise validation(f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{keys}}}")

    def lookup(self, token: str) -> Any:
        """Return the name or the value of a placeholder such as `#name` or `:value`, and mark it as used."""
        given: Mapping[str, Any] = self._names if token.startswith("#") else self._values
        if token not in given:
            raise validation(f"Invalid expression: A name or value used in expression is not defined: {token}")
        self._used.add(token)
        return given[token]


class _Parser:
    """Recursive-descent parser of one expression."""

    def __init__(self, text: str, expressions: Expressions) -> None:
        self._expressions = expressions
        self._tokens: list[str] = []
        self._index = position = 0
        while position < len(text.rstrip()):
            match = _TOKENS.match(text, position)
            if match is None:
                raise _fault(text[position:].strip())
            self._tokens.append(match.group(1))
            position = match.end()

    @property
    def next(self) -> str:
        """Next token, empty at the end."""
        return self._tokens[self._index] if self._index < len(self._tokens) else ""

    def token(self) -> str:
        self._index += 1
        return self._tokens[self._index - 1]

    def accept(self, *words: str) -> str:
        """Consume and return the next token if it is one of `words`. Otherwise, return an empty string."""
        return self.token() if self.next in words else ""

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise _fault(self.next)

    def finish(self) -> None:
        if self.next:
            raise _fault(self.next)

    def separated(self, parse: Callable[[], _T]) -> list[_T]:
        """Parse a list with commas."""
        found = [parse()]
        while self.accept(","):
            found.append(parse())
        return found

    def disjunction(self) -> Condition:
        parts = [self._conjunction()]
        while self.accept("OR"):
            parts.append(self._conjunction())
        return lambda item: any(part(item) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._comparison()]
        while self.accept("AND"):
            parts.append(self._comparison())
        return lambda item: all(part(item) for part in parts)

    def _comparison(self) -> Condition:
        if function := self.accept(*_FUNCTIONS):
            self.expect("(")
            tested = self.name()
            self.expect(")")
            return lambda item: (tested in item) == _FUNCTIONS[function]
        name = self.name()
        if self.accept("BETWEEN"):
            low = self._value()
            self.expect("AND")
            high = self._value()
            return lambda item: _compares(">=", item.get(name), low) and _compares("<=", item.get(name), high)
        comparator = self.accept(*_COMPARATORS)
        if not comparator:
            raise _fault(self.next)
        value = self._value()
        return lambda item: _compares(comparator, item.get(name), value)

    def assignments(self) -> list[Assignment]:
        found: list[Assignment] = []
        while clause := self.accept("SET", "ADD"):
            found += self.separated(self._assignment if clause == "SET" else self._addition)
        return found

    def _assignment(self) -> Assignment:
        name = self.name()
        self.expect("=")
        value = self._value()
        return name, lambda _: value

    def _addition(self) -> Assignment:
        name, more = self.name(), Decimal(self._value()["N"])
        return name, lambda item: {"N": str(Decimal(item.get(name, {"N": "0"})["N"]) + more)}

    def name(self) -> str:
        if not re.match(r"[#A-Za-z_]", self.next):
            raise _fault(self.next)
        token = self.token()
        return str(self._expressions.lookup(token)) if token.startswith("#") else token

    def _value(self) -> Value:
        if not self.next.startswith(":"):
            raise _fault(self.next)
        value: Value = self._expressions.lookup(self.token())
        return value


def _fault(token: str) -> ServiceError:
    return validation(f"Invalid expression, or not implemented in tests/fakes: Syntax error; token: {token or '<EOF>'}")


def _compares(comparator: str, left: Value | None, right: Value) -> bool:
    if left is None or left.keys() != right.keys():
        return False
    ((kind, content),) = left.items()
    if comparator != "=" and kind not in ("S", "N", "B"):
        return False
    return _COMPARATORS[comparator](_comparable(kind, content), _comparable(kind, right[kind]))


def _comparable(kind: str, content: Any) -> Any:
    if kind == "N":
        return Decimal(content)
    return content.encode() if kind == "S" else content
