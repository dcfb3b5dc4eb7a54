"""Explanation of a filter as English sentences."""

from __future__ import annotations

from alsolike.filters.tree import (
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
    Value,
    Verb,
    reference,
)

_RELATIONS = {
    Operator.EQUAL: "is",
    Operator.NOT_EQUAL: "is there and is not",
    Operator.LESS: "is less than",
    Operator.AT_MOST: "is at most",
    Operator.MORE: "is more than",
    Operator.AT_LEAST: "is at least",
}
_TIME_RELATIONS = {
    **_RELATIONS,
    Operator.LESS: "is earlier than",
    Operator.AT_MOST: "is at the latest",
    Operator.MORE: "is later than",
    Operator.AT_LEAST: "is at the earliest",
}


def explain(filter_: Filter) -> list[str]:
    return [_sentence(expression) for expression in filter_.expressions]


def _sentence(expression: Expression) -> str:
    subject = "only items where" if expression.verb is Verb.INCLUDE else "no items where"
    tests = " and ".join(_words(test) for test in expression.tests)
    return f"{subject} {_words(expression.condition)}" + (f", for users where {tests}" if tests else "")


def _words(condition: Condition) -> str:
    if isinstance(condition, And | Or):
        joint = " and " if isinstance(condition, And) else " or "
        return joint.join(_grouped(operand) for operand in condition.operands)
    if isinstance(condition, Not):
        return f"not ({_words(condition.operand)})"
    column = f"{condition.column.dataset}.{condition.column.name}"
    if isinstance(condition, Comparison):
        relations = _TIME_RELATIONS if isinstance(condition.value, Time) else _RELATIONS
        return f"{column} {relations[condition.operator]} {_value(condition.value)}"
    if (other := reference(condition)) is not None:
        return f"{column} is among {_value(other).removeprefix('that of ')}"
    return f"{column} is {_elements(condition)}"


def _grouped(operand: Condition) -> str:
    return f"({_words(operand)})" if isinstance(operand, And | Or) else _words(operand)


def _elements(leaf: Membership) -> str:
    elements = leaf.elements if isinstance(leaf.elements, tuple) else ()
    if any(isinstance(element, Everything) for element in elements):
        return "any"
    values = [_value(element) for element in elements if not isinstance(element, Everything)]
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"


def _value(value: Value) -> str:
    if isinstance(value, Parameter):
        return f"the value of {value.name}"
    if isinstance(value, Column):
        return f"that of the current {'user' if value.dataset is ColumnDataset.CURRENT_USER else 'item'}'s {value.name}"
    if isinstance(value, Time):
        return _time(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else f"{value:.15g}"


def _time(time: Time) -> str:
    if time.amount == 0:
        return "now"
    unit = time.unit.lower()
    amount = f"{_value(time.amount)} {unit.removesuffix('s') if time.amount == 1 else unit}"
    return f"{amount} ago" if time.sign < 0 else f"{amount} from now"
