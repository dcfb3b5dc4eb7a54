"""DynamoDB's condition, update and projection expressions.

List elements, additions to and deletions from sets, and `list_append` are not implemented. Grammar:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html.
"""

from __future__ import annotations

import copy
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from tests.fakes.service import ServiceError

Value = Mapping[str, Any]  # an attribute value with its type, such as {"N": "1"}
Item = dict[str, Any]
Path = tuple[str, ...]
Operand = Callable[[Item], Value | None]
Condition = Callable[[Item], bool]

_T = TypeVar("_T")
_TOKENS = re.compile(r"\s*([#:]?\w+|<>|<=|>=|[-=<>()\[\],.+])")
_COMPARATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
_ORDERED = {"S", "N", "B"}
_SETS = {"SS", "NS", "BS"}


def validation(message: str) -> ServiceError:
    """Return the error of a request that DynamoDB does not accept."""
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

    def update(self, text: str) -> Update:
        """Return an update."""
        return Update(_Parser(text, self))

    def projection(self, text: str) -> Callable[[Item], Item]:
        """Return a function that projects an item to a new item."""
        parser = _Parser(text, self)
        paths = parser.separated(parser.path)
        parser.finish()
        return lambda item: _projected(item, paths)

    def check_all_used(self) -> None:
        """Raise unless an expression uses each name and each value."""
        for kind, given in (("Names", self._names), ("Values", self._values)):
            if unused := sorted(set(given) - self._used):
                keys = ", ".join(unused)
                raise validation(f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{keys}}}")

    def name(self, token: str) -> str:
        """Return the attribute that a token names."""
        if not token.startswith("#"):
            return token
        if token not in self._names:
            raise validation(
                "Invalid expression: An expression attribute name used in the document path is not defined; "
                f"attribute name: {token}"
            )
        self._used.add(token)
        return self._names[token]

    def value(self, token: str) -> Value:
        """Return the value of a placeholder such as `:id`, and mark it as used."""
        if token not in self._values:
            raise validation(
                "Invalid expression: An expression attribute value used in expression is not defined; "
                f"attribute value: {token}"
            )
        self._used.add(token)
        return self._values[token]


class _Parser:
    """Recursive-descent parser of one expression."""

    def __init__(self, text: str, expressions: Expressions) -> None:
        self._expressions = expressions
        self._tokens: list[str] = []
        self._index = position = 0
        while position < len(text.rstrip()):
            match = _TOKENS.match(text, position)
            if match is None:
                raise validation(f"Invalid expression: Syntax error; token: {text[position:].strip()[:9]}")
            self._tokens.append(match.group(1))
            position = match.end()
        if not self._tokens:
            raise validation("Invalid expression: The expression can not be empty;")

    @property
    def next(self) -> str:
        """Next token, empty at the end."""
        return self._tokens[self._index] if self._index < len(self._tokens) else ""

    def token(self) -> str:
        """Consume and return the next token."""
        self._index += 1
        return self._tokens[self._index - 1]

    def accept(self, *words: str) -> str:
        """Consume the next token if it is one of `words`, in any case. Return it in upper case, or an empty string."""
        return self.token().upper() if self.next and self.next.upper() in words else ""

    def expect(self, word: str) -> None:
        """Consume the next token, which must be `word`."""
        if not self.accept(word):
            raise self._fault()

    def finish(self) -> None:
        """Raise unless all tokens are consumed."""
        if self.next:
            raise self._fault()

    def separated(self, parse: Callable[[], _T]) -> list[_T]:
        """Parse a list with commas."""
        found = [parse()]
        while self.accept(","):
            found.append(parse())
        return found

    def disjunction(self) -> Condition:
        """Parse a condition."""
        parts = [self._conjunction()]
        while self.accept("OR"):
            parts.append(self._conjunction())
        return lambda item: any(part(item) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self.accept("AND"):
            parts.append(self._negation())
        return lambda item: all(part(item) for part in parts)

    def _negation(self) -> Condition:
        if self.accept("NOT"):
            inner = self._negation()
            return lambda item: not inner(item)
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        return self._function() if self.next in _FUNCTIONS else self._comparison()

    def _function(self) -> Condition:
        name = self.token()
        self.expect("(")
        operands = self.separated(self.operand)
        self.expect(")")
        if len(operands) != _FUNCTIONS[name]:
            raise validation(f"Invalid expression: Incorrect number of operands for operator or function: {name}")
        if name == "attribute_exists":
            return lambda item: operands[0](item) is not None
        if name == "attribute_not_exists":
            return lambda item: operands[0](item) is None
        test = {"attribute_type": _has_type, "begins_with": _begins_with, "contains": _contains}[name]

        def holds(item: Item) -> bool:
            first, second = (operand(item) for operand in operands)
            return first is not None and second is not None and test(first, second)

        return holds

    def _comparison(self) -> Condition:
        left = self.operand()
        if self.accept("BETWEEN"):
            low = self.operand()
            self.expect("AND")
            high = self.operand()
            return lambda item: _compares(">=", left(item), low(item)) and _compares("<=", left(item), high(item))
        if self.accept("IN"):
            self.expect("(")
            options = self.separated(self.operand)
            self.expect(")")
            return lambda item: any(_compares("=", left(item), option(item)) for option in options)
        comparator = self.accept(*_COMPARATORS)
        if not comparator:
            raise self._fault()
        right = self.operand()
        return lambda item: _compares(comparator, left(item), right(item))

    def operand(self) -> Operand:
        """Parse a value, a path or a size."""
        if self.next.startswith(":"):
            value = self._expressions.value(self.token())
            return lambda _: value
        if self.accept("SIZE"):
            self.expect("(")
            inner = self.operand()
            self.expect(")")
            return lambda item: _size(inner(item))
        path = self.path()
        return lambda item: _read(item, path)

    def path(self) -> Path:
        """Parse a document path."""
        parts = [self._name()]
        while self.accept("."):
            parts.append(self._name())
        if self.next == "[":
            raise NotImplementedError("Paths into lists are not implemented.")
        return tuple(parts)

    def _name(self) -> str:
        if not re.match(r"[#A-Za-z_]", self.next):
            raise self._fault()
        return self._expressions.name(self.token())

    def new_value(self) -> Operand:
        """Parse the right side of SET: a term, a sum or a difference."""
        left = self._term()
        sign = self.accept("+", "-")
        if not sign:
            return left
        right = self._term()
        combine = operator.add if sign == "+" else operator.sub
        return lambda item: {"N": _text(combine(_number(left(item)), _number(right(item))))}

    def _term(self) -> Operand:
        if self.accept("IF_NOT_EXISTS"):
            self.expect("(")
            path = self.path()
            self.expect(",")
            default = self._term()
            self.expect(")")
            return lambda item: _read(item, path) or default(item)
        operand = self.operand()

        def present(item: Item) -> Value:
            value = operand(item)
            if value is None:
                raise validation("The provided expression refers to an attribute that does not exist in the item")
            return value

        return present

    def _fault(self) -> ServiceError:
        return validation(f"Invalid expression: Syntax error; token: {self.next or '<EOF>'}")


class Update:
    """Update expression. All right sides are evaluated with the item before the update."""

    def __init__(self, parser: _Parser) -> None:
        def assignment() -> tuple[Path, Operand]:
            path = parser.path()
            parser.expect("=")
            return path, parser.new_value()

        def addition() -> tuple[Path, Operand]:
            path, more = parser.path(), parser.operand()
            return path, lambda item: {"N": _text(_number(_read(item, path) or {"N": "0"}) + _number(more(item)))}

        self._set: list[tuple[Path, Operand]] = []
        self._remove: list[Path] = []
        while clause := parser.accept("SET", "REMOVE", "ADD"):
            if clause == "SET":
                self._set += parser.separated(assignment)
            elif clause == "ADD":
                self._set += parser.separated(addition)
            else:
                self._remove += parser.separated(parser.path)
        if parser.next.upper() == "DELETE":
            raise NotImplementedError("DELETE in update expressions is not implemented.")
        parser.finish()
        self.paths = [*(path for path, _ in self._set), *self._remove]
        for index, path in enumerate(self.paths):
            if any(path[: len(other)] == other[: len(path)] for other in self.paths[:index]):
                raise validation("Invalid UpdateExpression: Two document paths overlap with each other;")

    def __call__(self, item: Item) -> Item:
        """Return the changed item."""
        changed = copy.deepcopy(item)
        for path, operand in self._set:
            _parent(changed, path)[path[-1]] = copy.deepcopy(operand(item))
        for path in self._remove:
            _parent(changed, path).pop(path[-1], None)
        return changed


def comparable(value: Value) -> Any:
    """Return the key by which DynamoDB compares two values of one type."""
    kind, content = _typed(value)
    if kind == "N":
        return Decimal(content)
    if kind in _SETS:
        return {comparable({kind[0]: one}) for one in content}
    if kind == "L":
        return [(_typed(one)[0], comparable(one)) for one in content]
    if kind == "M":
        return {name: (_typed(one)[0], comparable(one)) for name, one in content.items()}
    return content.encode() if kind == "S" else content


def _typed(value: Value) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    return kind, content


def _read(item: Item, path: Path) -> Value | None:
    value: Any = {"M": item}
    for name in path:
        value = value.get("M", {}).get(name)
        if value is None:
            return None
    return dict(value)


def _parent(item: Item, path: Path) -> Item:
    for name in path[:-1]:
        if "M" not in item.get(name, {}):
            raise validation("The document path provided in the update expression is invalid for update")
        item = item[name]["M"]
    return item


def _projected(item: Item, paths: Iterable[Path]) -> Item:
    projected: Item = {}
    for path in paths:
        value = _read(item, path)
        if value is not None:
            parent = projected
            for name in path[:-1]:
                parent = parent.setdefault(name, {"M": {}})["M"]
            parent[path[-1]] = copy.deepcopy(value)
    return projected


def _compares(comparator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return comparator == "<>" and left is not right
    kind = _typed(left)[0]
    if kind != _typed(right)[0]:
        return comparator == "<>"
    if comparator not in ("=", "<>") and kind not in _ORDERED:
        return False
    return _COMPARATORS[comparator](comparable(left), comparable(right))


def _has_type(value: Value, kind: Value) -> bool:
    return _typed(value)[0] == str(kind["S"])


def _begins_with(value: Value, start: Value) -> bool:
    kind, content = _typed(value)
    return kind in ("S", "B") and kind == _typed(start)[0] and bool(content.startswith(_typed(start)[1]))


def _contains(value: Value, part: Value) -> bool:
    kind, content = _typed(value)
    if kind == "L":
        return any(_compares("=", one, part) for one in content)
    if kind in _SETS:
        return kind[0] == _typed(part)[0] and comparable(part) in comparable(value)
    return kind in ("S", "B") and kind == _typed(part)[0] and _typed(part)[1] in content


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    kind, content = _typed(value)
    return {"N": str(len(content.encode() if kind == "S" else content))}


def _number(value: Value | None) -> Decimal:
    if value is None or "N" not in value:
        raise validation("An operand in the update expression has an incorrect data type")
    return Decimal(value["N"])


def _text(value: Decimal) -> str:
    """Return a number as DynamoDB does, without exponent and trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
