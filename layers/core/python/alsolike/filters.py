"""Filter expressions in Amazon Personalize's language.

```
filter      := expression ("|" expression)*
expression  := (INCLUDE | EXCLUDE) ItemID WHERE condition [IF test (AND test)*]
condition   := conjunction (OR conjunction)*
conjunction := negation (AND negation)*
negation    := [NOT] ("(" condition ")" | leaf)
leaf        := Items.F set | Items.F order | Interactions.F set | Interactions.F order
test        := CurrentUser.F set | CurrentUser.F order
set         := [NOT] IN "(" element ("," element)* ")" | [NOT] IN CurrentItem.F
element     := "text" | $PARAMETER | "*"
order       := (= | != | < | <= | > | >=) (number | "text" | true | false | $PARAMETER | ($PARAMETER) | CurrentItem.F)
```

Personalize's expressions are a part of it: there, conditions are not grouped or negated, and one expression looks at
one dataset. Keywords may be written in any case, columns in capitals (`CATEGORY_L1`) or as properties (`categoryL1`).
"""

from __future__ import annotations

from collections.abc import Callable

from alsolike.columns import property_name
from alsolike.filter_tokens import Token, tokens, unexpected
from alsolike.filter_tree import (
    EVENT_TYPE,
    TIMESTAMP,
    And,
    Column,
    Comparison,
    Condition,
    CurrentItem,
    Dataset,
    Element,
    Everything,
    Expression,
    Filter,
    Membership,
    Not,
    Operator,
    Or,
    Parameter,
    Value,
    Verb,
)

MAX_PARAMETERS = 25
MAX_PARAMETER_CHARACTERS = 50
MAX_DEPTH = 32
"""Groups and negations inside each other."""

_INTERACTION_COLUMNS = {EVENT_TYPE: "EVENT_TYPE", TIMESTAMP: "TIMESTAMP"}
_ORDERINGS = frozenset(Operator) - {Operator.EQUAL, Operator.NOT_EQUAL}
_DATASETS = {dataset.lower(): dataset for dataset in Dataset}


def parse(expression: str) -> Filter:
    """Read a filter expression.

    Raises
    ------
    InvalidFilter
        Saying at which character, what stands there and what was expected.

    Examples
    --------
    >>> parse('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")').expressions[0].verb
    <Verb.EXCLUDE: 'EXCLUDE'>
    """
    return _Parser(tokens(expression)).filter()


class _Parser:
    """Reads tokens from left to right; each method reads one rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._depth = 0
        self._parameters: set[str] = set()

    def filter(self) -> Filter:
        expressions = [self._expression()]
        while self._take("|"):
            expressions.append(self._expression())
        if self._now.kind != "end":
            raise unexpected(self._now, "AND, OR, IF, | or the end")
        return Filter(tuple(expressions))

    def _expression(self) -> Expression:
        verb = Verb(self._one_of(*Verb))
        if self._now.text.lower() in ("actionid", "userid"):
            raise unexpected(self._now, "ItemID; filters of actions and of users are not supported yet")
        self._one_of("ItemID")
        self._one_of("WHERE")
        condition = self._condition()
        if not self._take("IF"):
            return Expression(verb, condition)
        tests = [self._leaf(Dataset.CURRENT_USER)]
        while self._take("AND"):
            tests.append(self._leaf(Dataset.CURRENT_USER))
        return Expression(verb, condition, tuple(tests))

    def _condition(self) -> Condition:
        operands = self._joined("OR", self._conjunction)
        return operands[0] if len(operands) == 1 else Or(operands)

    def _conjunction(self) -> Condition:
        operands = self._joined("AND", self._negation)
        return operands[0] if len(operands) == 1 else And(operands)

    def _joined(self, keyword: str, rule: Callable[[], Condition]) -> tuple[Condition, ...]:
        operands = [rule()]
        while self._take(keyword):
            operands.append(rule())
        return tuple(operands)

    def _negation(self) -> Condition:
        start = self._now
        negated = self._take("NOT")
        if not self._take("("):
            leaf = self._leaf(Dataset.ITEMS, Dataset.INTERACTIONS)
            return Not(leaf) if negated else leaf
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise unexpected(start, f"groups at most {MAX_DEPTH} deep")
        condition = self._condition()
        self._one_of(")")
        self._depth -= 1
        return Not(condition) if negated else condition

    def _leaf(self, *datasets: Dataset) -> Condition:
        column = self._column(datasets)
        if self._take("NOT"):
            self._one_of("IN")
            return Not(self._membership(column))
        if self._take("IN"):
            return self._membership(column)
        operator = self._now
        if operator.text not in {*Operator}:
            raise unexpected(operator, "IN, NOT IN, =, !=, <, <=, > or >=")
        self._next()
        return self._comparison(column, Operator(operator.text))

    def _column(self, datasets: tuple[Dataset, ...]) -> Column:
        token = self._now
        dataset = _DATASETS.get(token.text.lower())
        if dataset not in datasets:
            expected = " or ".join(f"{dataset}.COLUMN" for dataset in datasets)
            if token.text.lower() in ("users", "currentuser"):
                expected += "; the user who asks is looked at in IF CurrentUser.COLUMN …, at the end"
            raise unexpected(token, expected)
        self._next()
        name = self._field()
        key = property_name(name.text)
        if dataset is Dataset.INTERACTIONS and key not in _INTERACTION_COLUMNS:
            raise unexpected(name, f"{' or '.join(_INTERACTION_COLUMNS.values())}, all that a live profile keeps")
        return Column(dataset, name.text, key, token.offset)

    def _field(self) -> Token:
        self._one_of(".")
        if self._now.kind != "word":
            raise unexpected(self._now, "the name of a column")
        return self._next()

    def _membership(self, column: Column) -> Membership:
        if column.dataset is Dataset.INTERACTIONS and column.key != EVENT_TYPE:
            raise unexpected(self._now, f"a comparison such as >; IN takes texts, and {column.name} is a number")
        if self._now.text.lower() == "currentitem":
            return Membership(column, self._current_item(column))
        self._one_of("(")
        elements = [self._element(column)]
        while self._take(","):
            elements.append(self._element(column))
        self._one_of(")")
        return Membership(column, tuple(elements))

    def _element(self, column: Column) -> Element:
        token = self._now
        if token.kind == "parameter":
            return self._parameter()
        if token.kind != "text":
            raise unexpected(token, 'a text such as "shoes", or $PARAMETER')
        self._next()
        text = token.value
        if text != "*":
            return text
        if column.dataset is not Dataset.INTERACTIONS:
            raise unexpected(token, 'a text; "*" stands for every event type, in Interactions.EVENT_TYPE only')
        return Everything()

    def _comparison(self, column: Column, operator: Operator) -> Comparison:
        token = self._now
        if operator in _ORDERINGS and column.key == EVENT_TYPE and column.dataset is Dataset.INTERACTIONS:
            raise unexpected(self._tokens[self._index - 1], "IN, NOT IN, = or !=: an event type is a text")
        if self._take("("):
            value: Value = self._parameter()
            self._one_of(")")
        elif token.kind == "parameter":
            value = self._parameter()
        elif token.text.lower() == "currentitem":
            value = self._current_item(column)
        else:
            value = self._literal(column, operator)
        return Comparison(column, operator, value)

    def _literal(self, column: Column, operator: Operator) -> float | str | bool:
        token = self._now
        of_text = column.dataset is Dataset.INTERACTIONS and column.key == EVENT_TYPE
        expects_number = operator in _ORDERINGS or (column.dataset is Dataset.INTERACTIONS and not of_text)
        if token.kind == "number" and not of_text:
            self._next()
            return float(token.text)
        if token.kind == "text" and not expects_number:
            self._next()
            return token.value
        if token.text.lower() in ("true", "false") and not expects_number and not of_text:
            self._next()
            return token.text.lower() == "true"
        if of_text:
            raise unexpected(token, 'a text such as "purchase", or $PARAMETER')
        raise unexpected(
            token,
            "a number, $PARAMETER or CurrentItem.COLUMN"
            if expects_number
            else "a number, a text, true, false, $PARAMETER or CurrentItem.COLUMN",
        )

    def _parameter(self) -> Parameter:
        token = self._now
        if token.kind != "parameter":
            raise unexpected(token, "$PARAMETER")
        name = token.text[1:]
        if len(name) > MAX_PARAMETER_CHARACTERS:
            raise unexpected(token, f"a name of at most {MAX_PARAMETER_CHARACTERS} characters")
        self._parameters.add(name)
        if len(self._parameters) > MAX_PARAMETERS:
            raise unexpected(token, f"at most {MAX_PARAMETERS} parameters in a filter")
        self._next()
        return Parameter(name)

    def _current_item(self, column: Column) -> CurrentItem:
        if column.dataset is not Dataset.ITEMS:
            raise unexpected(self._now, "a value; only columns of Items are compared with CurrentItem")
        self._next()
        name = self._field().text
        return CurrentItem(name, property_name(name))

    @property
    def _now(self) -> Token:
        return self._tokens[self._index]

    def _next(self) -> Token:
        token = self._now
        self._index += 1
        return token

    def _take(self, text: str) -> bool:
        """Step over a keyword or symbol if it is next."""
        token = self._now
        if token.kind not in ("word", "symbol") or token.text.upper() != text.upper():
            return False
        self._index += 1
        return True

    def _one_of(self, *texts: str) -> str:
        """Step over one of the keywords or symbols, as it is spelt here."""
        for text in texts:
            if self._take(text):
                return text
        raise unexpected(self._now, " or ".join(texts))
