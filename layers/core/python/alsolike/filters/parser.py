"""Parser of filter expressions in Amazon Personalize's filter language."""

from __future__ import annotations

import re
from collections.abc import Callable

from alsolike.configuration.columns import property_name
from alsolike.declarations.limits import MAX_FILTER_CHARACTERS, MAX_FILTER_PARAMETER_CHARACTERS, MAX_FILTER_PARAMETERS
from alsolike.filters.tree import (
    EVENT_TYPE,
    TIMESTAMP,
    And,
    Column,
    ColumnDataset,
    Comparison,
    Condition,
    Element,
    Everything,
    Expression,
    Filter,
    Membership,
    Not,
    Operator,
    Or,
    Parameter,
    Time,
    Unit,
    Value,
    Verb,
)
from alsolike.runtime.errors import InvalidFilter
from alsolike.runtime.struct import struct

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<parameter>\$[A-Za-z0-9_]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol><=|>=|!=|[=<>(),|.+-])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@struct
class Token:
    """Token of an expression. `kind` is a group of the token pattern, or `end`."""

    kind: str
    text: str
    offset: int

    @property
    def value(self) -> str:
        return _ESCAPED.sub(r"\1", self.text[1:-1])

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else self.text if len(self.text) <= 40 else f"{self.text[:40]}…"


def tokens(expression: str) -> list[Token]:
    """Return the tokens of an expression, followed by an `end` token."""
    if len(expression) > MAX_FILTER_CHARACTERS:
        raise InvalidFilter(
            f"the expression has {len(expression):,} characters, expected at most {MAX_FILTER_CHARACTERS:,}",
            offset=MAX_FILTER_CHARACTERS,
        )
    tokens, offset = [], 0
    while offset < len(expression):
        match = _TOKEN.match(expression, offset)
        if match is None:
            character = expression[offset]
            expected = 'a closing " after it' if character == '"' else "a keyword, column, value or operator"
            raise unexpected(Token("symbol", character, offset), expected)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), offset))
        offset = match.end()
    return [*tokens, Token("end", "", offset)]


def unexpected(token: Token, expected: str) -> InvalidFilter:
    return InvalidFilter(f"character {token.offset + 1}: found {token}, expected {expected}", offset=token.offset)


class TokenReader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._index = 0

    @property
    def now(self) -> Token:
        """Next token, which is not yet consumed."""
        return self._tokens[self._index]

    def step(self) -> Token:
        token = self.now
        self._index += 1
        return token

    def is_next(self, text: str) -> bool:
        return self.now.kind in ("word", "symbol") and self.now.text.upper() == text.upper()

    def take(self, text: str) -> bool:
        is_found = self.is_next(text)
        self._index += is_found
        return is_found

    def one_of(self, *texts: str) -> str:
        """Consume one of the keywords or symbols `texts`, ignoring case, and return it as written in `texts`."""
        for text in texts:
            if self.take(text):
                return text
        raise unexpected(self.now, " or ".join(texts))


def is_name(text: str) -> bool:
    """Return true if a string is a valid column name in a filter expression.

    Examples
    --------
    >>> is_name("IN_STOCK"), is_name("IN STOCK")
    (True, False)
    """
    token = _TOKEN.fullmatch(text)
    return token is not None and token.lastgroup == "word"


MAX_DEPTH = 32
"""Maximum depth of nested groups."""

_INTERACTION_COLUMNS = {"event_type": EVENT_TYPE, "eventtype": EVENT_TYPE, "timestamp": TIMESTAMP}
_ORDERINGS = frozenset(Operator) - {Operator.EQUAL, Operator.NOT_EQUAL}
_DATASETS = {dataset.lower(): dataset for dataset in ColumnDataset}
_LOOKED_AT = (ColumnDataset.ITEMS, ColumnDataset.INTERACTIONS, ColumnDataset.CURRENT_USER)
_REFERRED_TO = (ColumnDataset.CURRENT_ITEM, ColumnDataset.CURRENT_USER)
_UNITS = {name: unit for unit in Unit for name in (unit, unit.removesuffix("S"))}


def parse(expression: str) -> Filter:
    """Parse a filter expression.

    Examples
    --------
    >>> parse('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")').expressions[0].verb
    <Verb.EXCLUDE: 'EXCLUDE'>
    """
    return _Parser(tokens(expression)).filter()


class _Parser(TokenReader):
    """Recursive descent parser."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self._depth = 0
        self._parameters: set[str] = set()

    def filter(self) -> Filter:
        expressions = [self._expression()]
        while self.take("|"):
            expressions.append(self._expression())
        if self.now.kind != "end":
            raise unexpected(self.now, "AND, OR, IF, | or the end")
        return Filter(tuple(expressions))

    def _expression(self) -> Expression:
        verb = Verb(self.one_of(*Verb))
        if self.now.text.lower() in ("actionid", "userid"):
            raise unexpected(self.now, "ItemID; filters of actions and of users are not supported yet")
        self.one_of("ItemID")
        self.one_of("WHERE")
        condition = self._condition()
        if not self.take("IF"):
            return Expression(verb, condition)
        tests = [self._leaf(ColumnDataset.CURRENT_USER)]
        while self.take("AND"):
            tests.append(self._leaf(ColumnDataset.CURRENT_USER))
        return Expression(verb, condition, tuple(tests))

    def _condition(self) -> Condition:
        operands = self._joined("OR", self._conjunction)
        return operands[0] if len(operands) == 1 else Or(operands)

    def _conjunction(self) -> Condition:
        operands = self._joined("AND", self._negation)
        return operands[0] if len(operands) == 1 else And(operands)

    def _joined(self, keyword: str, rule: Callable[[], Condition]) -> tuple[Condition, ...]:
        """Parse operands that are joined by a keyword. Nested groups with the same keyword are flattened."""
        kind = And if keyword == "AND" else Or
        operands: list[Condition] = []
        while not operands or self.take(keyword):
            operand = rule()
            operands += operand.operands if isinstance(operand, kind) else (operand,)
        return tuple(operands)

    def _negation(self) -> Condition:
        start = self.now
        negated = self.take("NOT")
        if not self.take("("):
            leaf = self._leaf(*_LOOKED_AT)
            return Not(leaf) if negated else leaf
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise unexpected(start, f"groups at most {MAX_DEPTH} deep")
        condition = self._condition()
        self.one_of(")")
        self._depth -= 1
        return Not(condition) if negated else condition

    def _leaf(self, *datasets: ColumnDataset) -> Condition:
        column = self._column(datasets)
        if self.take("NOT"):
            self.one_of("IN")
            return Not(self._membership(column))
        if self.take("IN"):
            return self._membership(column)
        operator = self.now
        if operator.text not in {*Operator}:
            raise unexpected(operator, "IN, NOT IN, =, !=, <, <=, > or >=")
        self.step()
        return self._comparison(column, Operator(operator.text))

    def _column(self, datasets: tuple[ColumnDataset, ...]) -> Column:
        token = self.now
        dataset = _DATASETS.get(token.text.lower())
        if dataset not in datasets:
            expected = _either([f"{dataset}.COLUMN" for dataset in datasets])
            if token.text.lower() == "users":
                expected += "; the requesting user is CurrentUser"
            raise unexpected(token, expected)
        self.step()
        name = self._field()
        if dataset is not ColumnDataset.INTERACTIONS:
            return Column(dataset, name.text, property_name(name.text), token.offset)
        key = _INTERACTION_COLUMNS.get(name.text.lower())
        if key is None:
            raise unexpected(name, "EVENT_TYPE or TIMESTAMP, the columns in a live profile")
        return Column(dataset, name.text, key, token.offset)

    def _field(self) -> Token:
        self.one_of(".")
        if self.now.kind != "word":
            raise unexpected(self.now, "the name of a column")
        return self.step()

    def _membership(self, column: Column) -> Membership:
        if column.dataset is ColumnDataset.INTERACTIONS and column.key != EVENT_TYPE:
            raise unexpected(self.now, f"a comparison such as >; IN accepts texts, and {column.name} is a number")
        if _DATASETS.get(self.now.text.lower()) in _REFERRED_TO:
            return Membership(column, self._reference(column))
        self.one_of("(")
        elements = [self._element(column)]
        while self.take(","):
            elements.append(self._element(column))
        self.one_of(")")
        return Membership(column, tuple(elements))

    def _element(self, column: Column) -> Element:
        token = self.now
        if token.kind == "parameter":
            return self._parameter()
        if token.kind != "text":
            raise unexpected(token, 'a text such as "shoes", or $PARAMETER')
        self.step()
        text = token.value
        if text != "*":
            return text
        if column.dataset is not ColumnDataset.INTERACTIONS:
            raise unexpected(token, 'a text; "*" stands for every event type, in Interactions.EVENT_TYPE only')
        return Everything()

    def _comparison(self, column: Column, operator: Operator) -> Comparison:
        token = self.now
        if operator in _ORDERINGS and _is_event_type(column):
            raise unexpected(self._tokens[self._index - 1], "IN, NOT IN, = or !=: an event type is a text")
        if token.kind == "parameter" or self.is_next("("):
            value: Value = self._parameter()
        elif _DATASETS.get(token.text.lower()) in _REFERRED_TO:
            value = self._reference(column)
        elif self.is_next("NOW") and not _is_event_type(column):
            value = self._time()
        else:
            value = self._literal(column, operator)
        return Comparison(column, operator, value)

    def _literal(self, column: Column, operator: Operator) -> float | str | bool:
        token = self.now
        is_event_type = _is_event_type(column)
        takes_texts = is_event_type or (operator not in _ORDERINGS and column.dataset is not ColumnDataset.INTERACTIONS)
        if token.kind == "number" and not is_event_type:
            self.step()
            return float(token.text)
        if token.kind == "text" and takes_texts:
            self.step()
            return token.value
        if token.kind == "word" and token.text.lower() in ("true", "false") and takes_texts and not is_event_type:
            self.step()
            return token.text.lower() == "true"
        if is_event_type:
            raise unexpected(token, 'a text such as "purchase", or $PARAMETER')
        expected = ["a number", *(["a text", "true", "false"] if takes_texts else []), "$PARAMETER", "NOW"]
        if column.dataset is ColumnDataset.ITEMS:
            expected += [f"{dataset}.COLUMN" for dataset in _REFERRED_TO]
        raise unexpected(token, _either(expected))

    def _time(self) -> Time:
        start = self.now
        self.step()
        number = self.now
        if number.kind == "number" and number.text.startswith("-"):  # In NOW -30 DAYS, the sign is part of the number.
            self.step()
            return Time(-1, -float(number.text), self._unit(), start.offset)
        if self.is_next("+") or self.is_next("-"):
            sign = 1 if self.step().text == "+" else -1
            return Time(sign, self._amount(), self._unit(), start.offset)
        if number.kind in ("number", "parameter"):
            raise unexpected(number, "+ or - before it")
        return Time(offset=start.offset)

    def _amount(self) -> float | Parameter:
        token = self.now
        if token.kind == "parameter" or self.is_next("("):
            return self._parameter()
        if token.kind != "number" or token.text.startswith("-"):
            raise unexpected(token, "an amount: a number of at least 0, or $PARAMETER")
        self.step()
        return float(token.text)

    def _unit(self) -> Unit:
        unit = _UNITS.get(self.now.text.upper())
        if unit is None:
            raise unexpected(self.now, _either(list(Unit)))
        self.step()
        return unit

    def _parameter(self) -> Parameter:
        grouped = self.take("(")
        token = self.now
        if token.kind != "parameter":
            raise unexpected(token, "$PARAMETER")
        name = token.text[1:]
        if len(name) > MAX_FILTER_PARAMETER_CHARACTERS:
            raise unexpected(token, f"a name of at most {MAX_FILTER_PARAMETER_CHARACTERS} characters")
        self._parameters.add(name)
        if len(self._parameters) > MAX_FILTER_PARAMETERS:
            raise unexpected(token, f"at most {MAX_FILTER_PARAMETERS} parameters in a filter")
        self.step()
        if grouped:
            self.one_of(")")
        return Parameter(name)

    def _reference(self, column: Column) -> Column:
        token = self.now
        if column.dataset is not ColumnDataset.ITEMS:
            raise unexpected(token, f"a value; only columns of Items are compared with {token.text}")
        return self._column(_REFERRED_TO)


def _is_event_type(column: Column) -> bool:
    return column.dataset is ColumnDataset.INTERACTIONS and column.key == EVENT_TYPE


def _either(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
