"""Parser and writer of aliases in the configuration document."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from alsolike.configuration.aliases import RECIPES, SEGMENTS, Alias, Recipe
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.filters import DeclaredFilters
from alsolike.configuration_document.rules import parse_exploration
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.schema.document import Node

_OF_REQUESTS = [name for name, recipe in RECIPES.items() if recipe.recommender != SEGMENTS]


def parse_aliases(
    node: Node,
    *,
    recommenders: Collection[str],
    filters: DeclaredFilters,
    columns: Mapping[str, ColumnType],
) -> dict[str, Alias]:
    aliases = {}
    for name, entry in node.entries():
        if not NAME.fullmatch(name):
            entry.fault(f"is not a valid name, expected {NAME_FORM}", at_key=True)
            continue
        if name in recommenders:
            entry.fault("is a recommender already, expected another name", at_key=True)
            continue
        fields = entry.fields("recommender", "recipe", "filter", "exploration")
        target, replaced = fields["recommender"].unless_null(), fields["recipe"].unless_null()
        if target.is_given == replaced.is_given:
            entry.fault("states both or neither of recommender and recipe, expected one of them")
            continue
        recipe = replaced.choice(_OF_REQUESTS, noun="the name of a recipe:")
        resolved = RECIPES[recipe] if recipe else Recipe(target.choice(recommenders) or "")
        aliases[name] = Alias(
            name,
            resolved.recommender,
            hides=resolved.hides,
            filter=filters.choose(fields["filter"].unless_null()),
            exploration=parse_exploration(fields["exploration"], columns),
            recipe=recipe,
        )
    return aliases


def alias_to_document(alias: Alias) -> dict[str, Any]:
    exploration = alias.exploration
    return {
        **({"recipe": alias.recipe} if alias.recipe else {"recommender": alias.recommender}),
        "filter": alias.filter,
        "exploration": None if exploration is None else dataclasses.asdict(exploration),
    }
