"""A written filter is parsed to the same filter. An error for any other string has a position inside the string."""

from __future__ import annotations

import string

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alsolike.configuration.columns import property_name
from alsolike.filters import parser
from alsolike.filters.tree import (
    EVENT_TYPE,
    TIMESTAMP,
    And,
    Column,
    ColumnDataset,
    Comparison,
    Condition,
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

EQUALITIES = (Operator.EQUAL, Operator.NOT_EQUAL)
columns_named = st.text(string.ascii_letters + "_", min_size=1, max_size=8).map(lambda rest: f"C{rest}")
texts = st.text(max_size=6).filter(lambda text: text != "*")
numbers = st.floats(allow_nan=False, allow_infinity=False)
parameters = st.sampled_from(["P", "DAYS", "x_1"]).map(Parameter)
times = st.just(Time()) | st.builds(
    Time, st.sampled_from([-1, 1]), st.floats(0, 1e6) | parameters, st.sampled_from(Unit)
)


def columns(*datasets):
    return st.builds(
        lambda dataset, name: Column(dataset, name, property_name(name), offset=0),
        st.sampled_from(datasets),
        columns_named,
    )


def interactions(name):
    key = {"EVENT_TYPE": EVENT_TYPE, "TIMESTAMP": TIMESTAMP}[name]
    return st.sampled_from([name, name.lower(), key]).map(
        lambda written: Column(ColumnDataset.INTERACTIONS, written, key, offset=0)
    )


def memberships(column, elements):
    return st.builds(Membership, column, st.lists(elements, min_size=1, max_size=3).map(tuple))


def comparisons(column):
    comparable: st.SearchStrategy[Value] = st.one_of(numbers, parameters, times)
    return st.one_of(
        st.builds(Comparison, column, st.sampled_from(Operator), comparable),
        st.builds(Comparison, column, st.sampled_from(EQUALITIES), st.one_of(texts, st.booleans())),
    )


items = columns(ColumnDataset.ITEMS)
referred = columns(ColumnDataset.CURRENT_USER, ColumnDataset.CURRENT_ITEM)
plain: st.SearchStrategy[Condition] = st.one_of(
    memberships(columns(ColumnDataset.ITEMS, ColumnDataset.CURRENT_USER), st.one_of(texts, parameters)),
    comparisons(columns(ColumnDataset.ITEMS, ColumnDataset.CURRENT_USER)),
    st.builds(Membership, items, referred),
    st.builds(Comparison, items, st.sampled_from(Operator), referred),
    memberships(interactions("EVENT_TYPE"), st.one_of(texts, parameters, st.just(Everything()))),
    st.builds(Comparison, interactions("EVENT_TYPE"), st.sampled_from(EQUALITIES), st.one_of(texts, parameters)),
    st.builds(Comparison, interactions("TIMESTAMP"), st.sampled_from(Operator), st.one_of(numbers, parameters, times)),
)


def joined(kind, operands):
    """Flatten operands of the same kind, because their parentheses have no effect."""
    flat = [each for operand in operands for each in (operand.operands if isinstance(operand, kind) else (operand,))]
    return kind(tuple(flat))


conditions: st.SearchStrategy[Condition] = st.recursive(
    plain,
    lambda children: st.one_of(
        children.map(Not), st.builds(joined, st.sampled_from([And, Or]), st.lists(children, min_size=2, max_size=3))
    ),
    max_leaves=5,
)
user = columns(ColumnDataset.CURRENT_USER)
leaves_of_user: st.SearchStrategy[Condition] = comparisons(user) | memberships(user, st.one_of(texts, parameters))
tests: st.SearchStrategy[Condition] = leaves_of_user | memberships(user, texts).map(Not)
expressions = st.builds(Expression, st.sampled_from(Verb), conditions, st.lists(tests, max_size=2).map(tuple))
trees = st.lists(expressions, min_size=1, max_size=3).map(lambda found: Filter(tuple(found)))


class Writer:
    def __init__(self, data):
        self._draw = data.draw

    def filter(self, tree):
        return self._space().join(self._expression(each) + self._space() + "|" for each in tree.expressions)[:-1]

    def _expression(self, tree):
        text = f"{self._word(tree.verb)} {self._word('ItemID')} {self._word('WHERE')} {self._condition(tree.condition)}"
        tests = f" {self._word('AND')} ".join(self._leaf(test) for test in tree.tests)
        return f"{text} {self._word('IF')} {tests}" if tests else text

    def _condition(self, tree):
        if isinstance(tree, And | Or):
            word = "AND" if isinstance(tree, And) else "OR"
            return f" {self._word(word)} ".join(self._operand(each) for each in tree.operands)
        if isinstance(tree, Not):
            if isinstance(tree.operand, Membership) and self._draw(st.booleans()):
                return self._leaf(tree)
            return f"{self._word('NOT')} {self._operand(tree.operand)}"
        return self._leaf(tree)

    def _operand(self, tree):
        grouped = isinstance(tree, And | Or | Not) or self._draw(st.booleans())
        return f"({self._space()}{self._condition(tree)}{self._space()})" if grouped else self._condition(tree)

    def _leaf(self, tree):
        if isinstance(tree, Not):
            assert isinstance(tree.operand, Membership)
            return self._membership(tree.operand, f"{self._word('NOT')} {self._word('IN')}")
        if isinstance(tree, Membership):
            return self._membership(tree, self._word("IN"))
        assert isinstance(tree, Comparison)
        space = self._space()
        return f"{self._column(tree.column)}{space}{tree.operator}{space}{self._value(tree.value)}"

    def _membership(self, tree, word):
        if isinstance(tree.elements, Column):
            return f"{self._column(tree.column)} {word} {self._column(tree.elements)}"
        elements = f"{self._space()},{self._space()}".join(
            '"*"' if isinstance(each, Everything) else self._value(each) for each in tree.elements
        )
        return f"{self._column(tree.column)} {word} ({elements})"

    def _value(self, value):
        if isinstance(value, Column):
            return self._column(value)
        if isinstance(value, Parameter):
            return f"${value.name}"
        if isinstance(value, Time):
            return self._time(value)
        if isinstance(value, bool):
            return self._word(str(value))
        if isinstance(value, str):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        return repr(value)

    def _time(self, time):
        if time.amount == 0.0 and self._draw(st.booleans()) and time == Time():
            return self._word("NOW")
        sign, space = "-" if time.sign < 0 else "+", self._space()
        unit = self._word(self._draw(st.sampled_from([time.unit, time.unit.removesuffix("S")])))
        amount = repr(time.amount) if isinstance(time.amount, float) else f"(${time.amount.name})"
        return f"{self._word('NOW')}{space}{sign}{space}{amount} {unit}"

    def _column(self, column):
        return f"{self._word(column.dataset)}.{column.name}"

    def _word(self, word):
        return self._draw(st.sampled_from([word, word.lower(), word.upper()]))

    def _space(self):
        return self._draw(st.sampled_from(["", " ", "\n\t"]))


@settings(max_examples=150, deadline=None)
@given(trees, st.data())
def test_written_filter_is_parsed_into_the_same_tree(tree, data):
    text = Writer(data).filter(tree)

    if len(text) <= 2_500:
        assert parser.parse(text) == tree


PIECES = (
    "INCLUDE", "EXCLUDE", "ItemID", "WHERE", "Items.A", "Interactions.EVENT_TYPE", "Interactions.TIMESTAMP", "IN",
    "NOT", "(", ")", '"a"', '"*"', ",", "$P", "($P)", "<", "=", "!=", "3", "-3", "AND", "OR", "IF", "CurrentUser.B",
    "CurrentItem.C", "|", "true", "NOW", "-", "+", "DAYS", "WEEK", "30 MONTHS",
    "Interactions.EVENT_VALUE", "é", "\\", '"',
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map(" ".join) | st.text(max_size=60))
@example("(" * 2_479)
@example("NOT (" * 400)
@example("Items.A < 1e999 OR Items.A < " + "9" * 2_000)
@example("Items.A < NOW - " + "9" * 2_000 + " DAYS")
@example("Items.A < NOW -")
@example("Items.A = \u0130 OR Items.\u00df = 1")
def test_any_string_is_a_filter_or_an_error_inside_the_string(text):
    for expression in (text, f"INCLUDE ItemID WHERE {text}", f"EXCLUDE ItemID WHERE Items.A < {text}"):
        assert 0 <= error_offset(expression) <= len(expression)


def error_offset(expression):
    try:
        parser.parse(expression)
    except InvalidFilter as error:
        return error.offset
    return 0
