"""The rule sets of the configuration."""

from __future__ import annotations

from typing import Any

from alsolike.config.rules import numbers_of_rules
from alsolike.domain.configuration import Configuration


def rule_sets(configuration: Configuration) -> dict[str, Any]:
    """Return the answer, in the order of the document."""
    return {
        "ruleSets": [
            {
                "name": rules.name,
                "parts": numbers_of_rules(rules),
                "recommenders": configuration.recommenders_with(rules.name),
            }
            for rules in configuration.rules.values()
        ]
    }
