"""Rules that apply to a request, from the recommender or a named set. Rankings accept only some of them."""

import pytest

from alsolike.configuration.rules import RuleSet
from alsolike.configuration_document.document import parse
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.resolve import OWN_RULES, rule_set


@pytest.mark.parametrize(
    ("recommender", "name", "expected"),
    [
        ("for-you", OWN_RULES, "spring"),
        ("for-you", "plain", None),
        ("for-you", None, None),
        ("for-you", "autumn", "autumn"),
        ("popular", OWN_RULES, None),
        ("popular", "spring", "spring"),
    ],
)
def test_named_rule_set_replaces_that_of_the_recommender(recommender, name, expected):
    """An empty rule set counts as no rules."""
    pins = {"pins": [{"item": "fig", "position": 1}]}
    document = {
        "format": 1,
        "rules": {"spring": pins, "autumn": pins, "plain": {}},
        "recommenders": {"for-you": {"rules": "spring"}},
    }

    found = rule_set(RecommendationRequest("anna", 5, recommender), parse(document), now_ms=0, name=name)

    assert (found and found.name) == expected


def test_ranking_uses_only_boosts_and_diversity():
    document = {
        "format": 1,
        "items": {"columns": {"brand": "string", "creationTimestamp": "timestamp"}},
        "filters": {"f": 'EXCLUDE ItemID WHERE Items.BRAND = "x"'},
        "rules": {
            "all": {
                "pins": [{"item": "fig", "position": 1}],
                "promotions": [{"filter": "f", "share": 0.2}],
                "boosts": [{"filter": "f", "factor": 2}],
                "slate": [{"column": "brand", "at_most": 1}],
                "diversity": {"dial": 0.5, "columns": ["brand"]},
                "exploration": {"share": 0.5, "new_for_days": 1},
            }
        },
        "recommenders": {"personalized-ranking": {"rules": "all"}},
    }

    found = rule_set(
        RecommendationRequest("anna", 2, "personalized-ranking", to_rank=("fig", "kiwi")), parse(document), now_ms=0
    )

    assert found == RuleSet("all", boosts=found.boosts, diversity=found.diversity)
