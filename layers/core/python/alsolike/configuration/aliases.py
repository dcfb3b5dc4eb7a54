"""Aliases: names of campaigns and recommenders in a shop's code for Amazon Personalize."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alsolike.configuration.rules import Exploration
from alsolike.runtime.struct import struct

NEXT_BEST_ACTION = "next-best-action"
"""Name of the campaign that recommends actions. Recipes and batches use it as the name of a recommender."""

SEGMENTS = "segments"
"""Name of solutions for segment jobs, which find users for items. Campaigns cannot use these solutions."""

PURCHASED, WATCHED = ("purchase",), ("watch",)


@struct
class Recipe:
    """Recommender that replaces a recipe. Items with which the user has events of the types `hides` are not
    recommended.
    """

    recommender: str
    hides: tuple[str, ...] = ()


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "aws-user-personalization": Recipe("for-you"),
        "aws-user-personalization-v2": Recipe("for-you"),
        "aws-hrnn": Recipe("for-you"),
        "aws-hrnn-metadata": Recipe("for-you"),
        "aws-hrnn-coldstart": Recipe("for-you"),
        "aws-vod-top-picks": Recipe("for-you"),
        "aws-ecomm-recommended-for-you": Recipe("for-you", PURCHASED),
        "aws-personalized-ranking": Recipe("personalized-ranking"),
        "aws-personalized-ranking-v2": Recipe("personalized-ranking"),
        "aws-similar-items": Recipe("similar-items"),
        "aws-sims": Recipe("similar-items"),
        "aws-semantic-similarity": Recipe("similar-items"),
        "aws-vod-more-like-x": Recipe("similar-items", WATCHED),
        "aws-vod-because-you-watched-x": Recipe("similar-items"),
        "aws-ecomm-customers-who-viewed-x-also-viewed": Recipe("similar-items", PURCHASED),
        "aws-ecomm-frequently-bought-together": Recipe("bought-together"),
        "aws-popularity-count": Recipe("popular"),
        "aws-vod-most-popular": Recipe("popular"),
        "aws-ecomm-popular-items-by-views": Recipe("popular"),
        "aws-ecomm-popular-items-by-purchases": Recipe("popular"),
        "aws-trending-now": Recipe("trending"),
        "aws-vod-trending-now": Recipe("trending"),
        "aws-next-best-action": Recipe(NEXT_BEST_ACTION),
        "aws-item-affinity": Recipe(SEGMENTS),
        "aws-item-attribute-affinity": Recipe(SEGMENTS),
    }
)


@struct
class Alias:
    """Name of a campaign or recommender, chosen by the shop, and the recommender behind it.

    Attributes
    ----------
    hides
        Event types. Items with which the user has events of these types are not recommended.
    filter
        Name of the default filter of requests, or None for the recommender's default filter.
    exploration
        Exploration that replaces the exploration of the rule set, or None.
    """

    name: str
    recommender: str
    hides: tuple[str, ...] = ()
    filter: str | None = None
    exploration: Exploration | None = None
    recipe: str | None = None
