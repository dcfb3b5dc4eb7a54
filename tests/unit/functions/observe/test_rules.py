"""The rule sets of the configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from alsolike.api.operator_query_responses import ANSWERS
from tests.unit.functions.observe.asking import Observe


def test_rule_sets_have_their_parts_and_recommenders(
    observe: Observe, configure: Callable[[dict[str, Any]], None]
) -> None:
    configure(
        {
            "items": {"columns": {"aisle": "string"}},
            "rules": {
                "season": {
                    "pins": [{"item": "pear", "position": 1}, {"item": "fig", "position": 3}],
                    "diversity": {"dial": 0.2, "columns": ["aisle"]},
                },
                "unused": {"pins": [{"item": "pear", "position": 1}]},
            },
            "recommenders": {"for-you": {"rules": "season"}, "popular": {"rules": "season"}},
        }
    )

    document = observe("rules")

    Draft202012Validator(ANSWERS["RuleSets"]).validate(document)
    assert document == {
        "ruleSets": [
            {"name": "season", "parts": {"pins": 2, "diversity": 1}, "recommenders": ["for-you", "popular"]},
            {"name": "unused", "parts": {"pins": 1}, "recommenders": []},
        ]
    }


def test_configuration_without_rules_has_no_rule_sets(observe: Observe) -> None:
    assert observe("rules") == {"ruleSets": []}
