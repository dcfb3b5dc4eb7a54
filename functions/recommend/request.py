"""The body of POST /recommendations: Personalize's GetRecommendations, as far as it is supported."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from alsolike import wire
from alsolike.catalog import column_name
from alsolike.errors import InvalidInput, NotFound
from alsolike.interactions import MAX_ID_CHARACTERS

RECOMMENDER = "for-you"
DEFAULT_RESULTS = 25
MAX_RESULTS = 500
MAX_RESULTS_WITH_METADATA = 50
MAX_METADATA_COLUMNS = 10
MAX_COLUMN_CHARACTERS = 150

_ARN_FIELDS = ("campaignArn", "recommenderArn")
_ARN = re.compile(r"arn:[a-z\d-]+:personalize:[^:]*:[^:]*:.+")
_NOT_SUPPORTED = ("itemId", "filterArn", "filterValues", "context", "promotions")
_FIELDS = (*_ARN_FIELDS, "userId", "numResults", "metadataColumns", *_NOT_SUPPORTED)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    user_id
        A user, or the session of somebody unknown.
    metadata_columns
        Names as they were asked for, each with the catalogue's name of the property.
    """

    user_id: str
    num_results: int = DEFAULT_RESULTS
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
    _check_recommender(fields)
    columns = _metadata_columns(fields)
    return Request(
        user_id=wire.required_string(fields, "userId", maximum=MAX_ID_CHARACTERS),
        num_results=_num_results(fields, maximum=MAX_RESULTS_WITH_METADATA if columns else MAX_RESULTS),
        metadata_columns=columns,
    )


def _check_recommender(fields: Mapping[str, Any]) -> None:
    given = [name for name in _ARN_FIELDS if fields.get(name) is not None]
    if len(given) == 2:
        raise InvalidInput("campaignArn and recommenderArn are both given, expected one of them")
    for name in given:
        arn = wire.required_string(fields, name, maximum=MAX_ID_CHARACTERS)
        if not _ARN.fullmatch(arn):
            raise InvalidInput(
                f"{name} is {wire.describe(arn)}, "
                "expected arn:aws:personalize:<region>:<account>:recommender/<name> (or campaign/<name>)"
            )
        if arn.rpartition("/")[2] != RECOMMENDER:
            raise NotFound(f"{name} is {wire.describe(arn)}, expected one that ends in /{RECOMMENDER}")


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
    return tuple((name, column_name(name) if name.isupper() else name) for name in names)
