"""User segments: the lines of a segment job, which select items, and the output lines with the users for these items.

The lines have the format of Amazon Personalize's batch segment jobs: `{"itemId": ...}` for the recipe item affinity and
`{"itemAttributes": ...}` for item-attribute affinity. A line of Alsolike's own selects the items of a filter:
`{"filter": ..., "filterValues": {...}}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.limits import MAX_FILTER_CHARACTERS, MAX_ID_CHARACTERS
from alsolike.declarations.storage import BATCH_PREFIX
from alsolike.filters.parser import parse
from alsolike.filters.tree import (
    ITEM_ID,
    And,
    Column,
    ColumnDataset,
    Comparison,
    Condition,
    Expression,
    Filter,
    Membership,
    Not,
    Operator,
    Or,
    Verb,
)
from alsolike.filters.undeclared_names import undeclared
from alsolike.filters.values import Values, parse_values
from alsolike.recommendations.request_fields import FILTER_VALUES
from alsolike.runtime.errors import InvalidFilter, InvalidInput, NotFound
from alsolike.runtime.names import NAME
from alsolike.runtime.struct import struct
from alsolike.schema import validation
from alsolike.schema.document import closest
from alsolike.schema.fields import Fields, Text

MAX_LINES = 500
MAX_USERS = 2_000_000
"""Maximum number of users in all segments of a job. The last step of the job keeps all users in memory."""

ITEM, ATTRIBUTES, FILTER = KINDS = ("itemId", "itemAttributes", "filter")
"""Members of a line that select items. A line has one of them."""

_FIELDS = Fields(
    {
        ITEM: Text(MAX_ID_CHARACTERS),
        ATTRIBUTES: Text(MAX_FILTER_CHARACTERS),
        FILTER: Text(MAX_ID_CHARACTERS, pattern=f"^{NAME.pattern}$", expected="the name of a filter"),
        "filterValues": FILTER_VALUES,
    }
)


@struct
class SegmentLine:
    """Line of a segment job.

    Attributes
    ----------
    given
        Line as in the input.
    filter
        Filter that selects the items; None for a filter of the configuration.
    """

    given: Mapping[str, Any]
    filter: Filter | None = None
    filter_name: str = ""
    values: Values | None = None


def parse_line(given: Any, where: str) -> SegmentLine:
    fields = _FIELDS.read(validation.as_object(given, where=where), where)
    stated = [kind for kind in KINDS if kind in fields]
    if len(stated) != 1:
        raise InvalidInput(f"{where} is {validation.describe(given)}, expected an object with {' or '.join(KINDS)}")
    if FILTER in fields:
        values = {name: parse_values(name, text) for name, text in fields.get("filterValues", {}).items()}
        return SegmentLine(given, filter_name=fields[FILTER], values=values)
    if "filterValues" in fields:
        raise InvalidInput(f"{where} has filterValues without {FILTER}")
    if ITEM in fields:
        condition: Condition = Membership(Column(ColumnDataset.ITEMS, "ITEM_ID", ITEM_ID, 0), (fields[ITEM],))
        return SegmentLine(given, Filter((Expression(Verb.INCLUDE, condition),)))
    try:
        parsed = parse(f"INCLUDE ItemID WHERE {fields[ATTRIBUTES]}")
    except InvalidFilter as error:
        raise InvalidInput(f"{where}.{ATTRIBUTES} is invalid after `INCLUDE ItemID WHERE`: {error}") from error
    if len(parsed.expressions) != 1 or parsed.needs_history or parsed.needs_user or parsed.parameters:
        raise InvalidInput(f"{where}.{ATTRIBUTES} is {fields[ATTRIBUTES]!r}, expected conditions on columns of Items")
    (expression,) = parsed.expressions
    return SegmentLine(given, Filter((Expression(Verb.INCLUDE, _with_memberships(expression.condition)),)))


def check_names(line: SegmentLine, where: str, configuration: Configuration) -> None:
    if line.filter is None:
        if line.filter_name not in configuration.filters:
            near = closest(line.filter_name, configuration.filters)
            raise NotFound(
                f"{where}.{FILTER} is {line.filter_name!r}, expected a filter of the configuration"
                + (f"; did you mean {near}?" if near else "; list them with `alsolike filters list`")
            )
        return
    columns = {"item_columns": configuration.item_columns, "user_columns": configuration.user_columns}
    for _, message in undeclared(line.filter, **columns):
        raise InvalidInput(f"{where}: {message}")


def output_line(line: SegmentLine, users: Sequence[str]) -> bytes:
    """Return the output line in the format of Amazon Personalize, which differs between the recipes."""
    source = dict(line.given) if ATTRIBUTES in line.given else {"input": line.given}
    return orjson.dumps({**source, "output": {"recommendedUsers": users}}) + b"\n"


def lines_key(run: str) -> str:
    return f"{BATCH_PREFIX}{run}/segments.json"


def _with_memberships(condition: Condition) -> Condition:
    """Return a condition with IN and NOT IN in place of = and != for texts.

    Personalize also compares lists with these operators.
    """
    if isinstance(condition, And | Or):
        return type(condition)(tuple(map(_with_memberships, condition.operands)))
    if isinstance(condition, Not):
        return Not(_with_memberships(condition.operand))
    if isinstance(condition, Comparison) and isinstance(condition.value, str):
        same = Membership(condition.column, (condition.value,))
        return Not(same) if condition.operator is Operator.NOT_EQUAL else same
    return condition
