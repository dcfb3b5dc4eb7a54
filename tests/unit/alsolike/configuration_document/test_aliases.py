"""Aliases, which are a shop's names for campaigns and recommenders."""

from __future__ import annotations

from typing import Any

import pytest

from alsolike.configuration.aliases import NEXT_BEST_ACTION, PURCHASED, RECIPES, SEGMENTS, Alias
from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration.rules import Exploration
from alsolike.configuration_document.document import parse, to_document
from alsolike.schema.document import InvalidConfiguration

BASE: dict[str, Any] = {
    "format": 1,
    "items": {"columns": {"CREATION_TIMESTAMP": "timestamp"}},
    "filters": {"new": "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > 1"},
}


def test_alias_has_recommender_filter_and_exploration() -> None:
    alias = {"recommender": "for-you", "filter": "new", "exploration": {"share": 0.3, "new_for_days": 30}}

    configuration = parse({**BASE, "aliases": {"home": alias}})

    assert configuration.aliases == {
        "home": Alias("home", "for-you", filter="new", exploration=Exploration(0.3, 30)),
    }
    assert to_document(configuration)["aliases"] == {"home": alias}


def test_recipe_sets_recommender_and_hidden_events() -> None:
    configuration = parse({**BASE, "aliases": {"shop": {"recipe": "aws-ecomm-recommended-for-you"}}})

    alias = configuration.aliases["shop"]
    assert (alias.recommender, alias.hides, alias.filter) == ("for-you", PURCHASED, None)
    assert parse(to_document(configuration)).aliases == configuration.aliases


def test_every_recipe_has_a_recommender() -> None:
    assert {recipe.recommender for recipe in RECIPES.values()} <= {*DEFAULT.recommenders, NEXT_BEST_ACTION, SEGMENTS}


@pytest.mark.parametrize(
    ("alias", "fault"),
    [
        ({"a b": {"recommender": "for-you"}}, 'aliases["a b"] is not a valid name'),
        ({"popular": {"recommender": "for-you"}}, "aliases.popular is a recommender already"),
        ({"home": {}}, "aliases.home states both or neither of recommender and recipe"),
        ({"home": {"recommender": "for-you", "recipe": "aws-hrnn"}}, "aliases.home states both or neither"),
        ({"home": {"recommender": "best"}}, "aliases.home.recommender is"),
        ({"home": {"recipe": "aws-item-affinity"}}, "aliases.home.recipe is"),
        ({"home": {"recommender": "for-you", "filter": "old"}}, "aliases.home.filter is"),
        ({"home": {"recommender": "for-you", "exploration": {"share": 2}}}, "aliases.home.exploration"),
    ],
)
def test_invalid_alias_is_refused_with_its_fault(alias: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        parse({**BASE, "aliases": alias})

    assert fault in str(caught.value)
