"""What a filter means, in words."""

from __future__ import annotations

from alsolike.filter_tree import (
    And,
    Comparison,
    Condition,
    CurrentItem,
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

_RELATIONS = {
    Operator.EQUAL: "is",
    Operator.NOT_EQUAL: "is there and is not",
    Operator.LESS: "is less than",
    Operator.AT_MOST: "is at most",
    Operator.MORE: "is more than",
    Operator.AT_LEAST: "is at least",
}


def explain(filter_: Filter) -> list[str]:
    """Return a sentence for each expression."""
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
        return f"{column} {_RELATIONS[condition.operator]} {_value(condition.value)}"
    return f"{column} is {_elements(condition)}"


def _grouped(operand: Condition) -> str:
    return f"({_words(operand)})" if isinstance(operand, And | Or) else _words(operand)


def _elements(leaf: Membership) -> str:
    if isinstance(leaf.elements, CurrentItem):
        return _value(leaf.elements)
    if any(isinstance(element, Everything) for element in leaf.elements):
        return "any"
    values = [_value(element) for element in leaf.elements if not isinstance(element, Everything)]
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"


def _value(value: Value) -> str:
    if isinstance(value, Parameter):
        return f"the value of {value.name}"
    if isinstance(value, CurrentItem):
        return f"that of the current item's {value.name}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else f"{value:.15g}"
