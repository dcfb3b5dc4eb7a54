"""The shop's own names of campaigns and recommenders, as its code for Amazon Personalize contains them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alsolike.domain.rules import Exploration
from alsolike.runtime.struct import struct

NEXT_BEST_ACTION = "next-best-action"
"""Name of campaigns that recommend actions."""

PURCHASED, WATCHED = ("purchase",), ("watch",)


@struct
class Recipe:
    """The recommender that stands for a recipe, and the types of events whose items it hides from their user."""

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
    }
)
"""Recipes of Amazon Personalize by name."""


@struct
class Alias:
    """A campaign or recommender of the shop's own name.

    Attributes
    ----------
    recommender
        The recommender that answers.
    hides
        Types of events; their items are hidden from the user.
    filter
        Name of the filter for requests that name none; None for that of the recommender.
    exploration
        Replaces the exploration of the rule set.
    recipe
        The recipe that set `recommender` and `hides`.
    """

    name: str
    recommender: str
    hides: tuple[str, ...] = ()
    filter: str | None = None
    exploration: Exploration | None = None
    recipe: str | None = None
