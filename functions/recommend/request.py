"""The body of POST /recommendations: Personalize's GetRecommendations, as far as it is supported."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from alsolike import wire
from alsolike.columns import property_name
from alsolike.errors import InvalidInput, NotFound
from alsolike.filter_values import MAX_VALUE_CHARACTERS, Values, parse_values
from alsolike.filters import MAX_PARAMETER_CHARACTERS, MAX_PARAMETERS
from alsolike.interactions import MAX_ID_CHARACTERS
from alsolike.recommendation_id import RECOMMENDER_CODES
from functions.recommend import arn

DEFAULT_RECOMMENDER = "for-you"
DEFAULT_RESULTS = 25
MAX_RESULTS = 500
MAX_RESULTS_WITH_METADATA = 50
MAX_METADATA_COLUMNS = 10
MAX_COLUMN_CHARACTERS = 150
MAX_CONTEXT_KEYS = 150
MAX_CONTEXT_CHARACTERS = 1_000

_ARN_FIELDS = ("campaignArn", "recommenderArn")
_NOT_SUPPORTED = ("promotions",)
_FIELDS = (
    *_ARN_FIELDS, "userId", "itemId", "numResults", "metadataColumns", "filterArn", "filterValues",
    "context", *_NOT_SUPPORTED,
)  # fmt: skip
_PARAMETER = re.compile(rf"[A-Za-z0-9_]{{1,{MAX_PARAMETER_CHARACTERS}}}")


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    user_id
        A user, or the session of somebody unknown.
    item_id
        The item that a filter's CurrentItem means.
    filter_name
        The filter that is asked for by name.
    filter_values
        Its parameters' values.
    context
        What the call says of the user, by property; it counts before what is stored of the user.
    metadata_columns
        Names as they were asked for, each with the catalogue's name of the property.
    """

    user_id: str
    num_results: int = DEFAULT_RESULTS
    recommender: str = DEFAULT_RECOMMENDER
    item_id: str | None = None
    filter_name: str | None = None
    filter_values: Values = dataclasses.field(default_factory=dict)
    context: Mapping[str, str] = dataclasses.field(default_factory=dict)
    metadata_columns: tuple[tuple[str, str], ...] = ()


def parse_request(body: bytes) -> Request:
    """Read the body.

    Raises
    ------
    InvalidInput
        If it breaks the contract or asks for something that is not supported.
    NotFound
        If it names a recommender that does not exist.
    """
    fields = wire.parse_object(body)
    wire.only_known(fields, _FIELDS)
    for name in _NOT_SUPPORTED:
        if fields.get(name) is not None:
            raise InvalidInput(f"{name} is not supported yet")
    columns = _metadata_columns(fields)
    return Request(
        user_id=wire.required_string(fields, "userId", maximum=MAX_ID_CHARACTERS),
        num_results=_num_results(fields, maximum=MAX_RESULTS_WITH_METADATA if columns else MAX_RESULTS),
        recommender=_recommender(fields),
        item_id=wire.optional_string(fields, "itemId", maximum=MAX_ID_CHARACTERS),
        filter_name=arn.named(fields, "filterArn", kind="filter"),
        filter_values=_filter_values(fields),
        context=_context(fields),
        metadata_columns=columns,
    )


def _recommender(fields: Mapping[str, Any]) -> str:
    given = [name for name in _ARN_FIELDS if fields.get(name) is not None]
    if len(given) == 2:
        raise InvalidInput("campaignArn and recommenderArn are both given, expected one of them")
    for name in given:
        recommender = arn.named(fields, name, kind=name.removesuffix("Arn"))
        if recommender is None or recommender not in RECOMMENDER_CODES:
            known = " or ".join(f"/{known}" for known in RECOMMENDER_CODES)
            raise NotFound(f"{name} is {wire.describe(fields[name])}, expected one that ends in {known}")
        return recommender
    return DEFAULT_RECOMMENDER


def _filter_values(fields: Mapping[str, Any]) -> Values:
    if fields.get("filterValues") is None:
        return {}
    given = wire.as_object(fields["filterValues"], where="filterValues")
    if len(given) > MAX_PARAMETERS:
        raise InvalidInput(f"filterValues has {len(given)} parameters, expected at most {MAX_PARAMETERS}")
    values = {}
    for name, value in given.items():
        if not _PARAMETER.fullmatch(name):
            raise InvalidInput(
                f"filterValues has a parameter {wire.describe(name)}, "
                f"expected 1 to {MAX_PARAMETER_CHARACTERS} letters, digits and underscores"
            )
        if value is not None:
            text = wire.required_string(given, name, maximum=MAX_VALUE_CHARACTERS, where="filterValues.")
            values[name] = parse_values(name, text)
    return values


def _context(fields: Mapping[str, Any]) -> dict[str, str]:
    if fields.get("context") is None:
        return {}
    given = wire.as_object(fields["context"], where="context")
    if len(given) > MAX_CONTEXT_KEYS:
        raise InvalidInput(f"context has {len(given)} keys, expected at most {MAX_CONTEXT_KEYS}")
    context = {}
    for name in given:
        if not 1 <= len(name) <= MAX_COLUMN_CHARACTERS:
            raise InvalidInput(
                f"context has a key {wire.describe(name)}, expected 1 to {MAX_COLUMN_CHARACTERS} characters"
            )
        value = wire.required_string(given, name, maximum=MAX_CONTEXT_CHARACTERS, where="context.")
        context[property_name(name)] = value
    return context


def _num_results(fields: Mapping[str, Any], *, maximum: int) -> int:
    value = fields.get("numResults")
    if value is None:
        return DEFAULT_RESULTS
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise InvalidInput(f"numResults is {wire.describe(value)}, expected a whole number from 0 to {maximum}")
    return value or DEFAULT_RESULTS


def _metadata_columns(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if fields.get("metadataColumns") is None:
        return ()
    datasets = wire.as_object(fields["metadataColumns"], where="metadataColumns")
    wire.only_known(datasets, ("ITEMS",), where="metadataColumns.")
    if datasets.get("ITEMS") is None:
        return ()
    names = wire.required_list(datasets, "ITEMS", minimum=0, maximum=MAX_METADATA_COLUMNS, where="metadataColumns.")
    for index, name in enumerate(names):
        wire.required_string(
            {str(index): name}, str(index), maximum=MAX_COLUMN_CHARACTERS, where="metadataColumns.ITEMS."
        )
    return tuple((name, property_name(name)) for name in names)
