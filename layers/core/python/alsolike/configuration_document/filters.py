"""Parser of filters in the configuration document, and of references to filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.limits import MAX_FILTER_CHARACTERS
from alsolike.runtime.errors import InvalidFilter
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.runtime.struct import struct
from alsolike.schema.document import Node

if TYPE_CHECKING:
    from alsolike.filters.tree import Filter


@struct
class DeclaredFilters:
    """Filters of a document, which other parts of the document reference.

    Attributes
    ----------
    expressions
        Expressions by valid name, including invalid expressions, so that references to them cause no further fault. A
        value that is not a text of valid length becomes an empty string.
    needs
        Description of the request input that a filter requires, by filter name.
    """

    expressions: Mapping[str, str]
    needs: Mapping[str, str]

    def choose(self, node: Node) -> str | None:
        name = node.choice(self.expressions, noun="the name of a filter:")
        if name is not None and name in self.needs:
            node.fault(
                f"is {name!r}, which needs {self.needs[name]}, expected a filter without inputs from the request"
            )
        return name


def parse_filters(
    node: Node,
    *,
    check: bool,
    item_columns: Mapping[str, ColumnType],
    user_columns: Mapping[str, ColumnType],
) -> DeclaredFilters:
    expressions: dict[str, str] = {}
    needs: dict[str, str] = {}
    for name, entry in node.entries():
        if not NAME.fullmatch(name):
            entry.fault(f"is not a valid name, expected {NAME_FORM}", at_key=True)
            continue
        expression = entry.value
        if not isinstance(expression, str) or not expression.strip() or len(expression) > MAX_FILTER_CHARACTERS:
            entry.expect(f"an expression of at most {MAX_FILTER_CHARACTERS:,} characters")
            expression = ""
        elif check and (filter_ := _parsed(entry, expression)):
            _check_types(entry, filter_, item_columns=item_columns, user_columns=user_columns)
            if need := _need(filter_):
                needs[name] = need
        expressions[name] = expression
    return DeclaredFilters(expressions, needs)


def _parsed(entry: Node, expression: str) -> Filter | None:
    # Imported here, because the import is slow and readers of the configuration do not need it.
    from alsolike.filters import parser

    try:
        return parser.parse(expression)
    except InvalidFilter as error:
        entry.fault(f"is not a valid filter: {error}", offset=error.offset)
        return None


def _check_types(
    entry: Node, filter_: Filter, *, item_columns: Mapping[str, ColumnType], user_columns: Mapping[str, ColumnType]
) -> None:
    from alsolike.filters.tree import ColumnDataset
    from alsolike.filters.types import mismatches

    for offset, message in mismatches(
        filter_, {ColumnDataset.ITEMS: item_columns, ColumnDataset.CURRENT_USER: user_columns}
    ):
        entry.fault(f"cannot be met: character {offset + 1}: {message}", offset=offset)


def _need(filter_: Filter) -> str | None:
    from alsolike.filters.tree import Verb

    if filter_.needs_item:
        return "an item, because it compares with CurrentItem"
    included = [expression for expression in filter_.expressions if expression.verb is Verb.INCLUDE]
    parameters = [name for expression in included for name in expression.parameters]
    return f"a value for ${parameters[0]}" if parameters else None
