"""Checks of a valid configuration that need no deployment. Each fault has its path in the document."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.configuration.configuration import Configuration
from alsolike.configuration.rules import SCHEDULED
from alsolike.filters import parser
from alsolike.filters.undeclared_names import undeclared, unknown_event_types
from alsolike.schema.document import Fault


def undeclared_names(configuration: Configuration) -> Iterator[Fault]:
    """Yield a fault for each undeclared column and event type in filters.

    A filter with an undeclared name usually passes no item.
    """
    for name, expression in configuration.filters.items():
        parsed = parser.parse(expression)
        columns = undeclared(parsed, item_columns=configuration.item_columns, user_columns=configuration.user_columns)
        for offset, message in [*columns, *unknown_event_types(parsed, configuration)]:
            yield Fault(("filters", name), message, offset=offset)


def past_rules(configuration: Configuration, *, now_ms: int) -> Iterator[Fault]:
    for rules in configuration.rules.values():
        for part in SCHEDULED:
            for place, rule in enumerate(getattr(rules, part)):
                if rule.until_ms is not None and rule.until_ms <= now_ms:
                    yield Fault(("rules", rules.name, part, place, "until"), "is past, so the rule has no effect")
