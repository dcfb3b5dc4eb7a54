"""Limits of requests by a session's token: columns and filters that the shop permits to every browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from alsolike.contract import validation
from alsolike.domain.configuration import Sessions
from alsolike.runtime.errors import InvalidInput
from functions.recommend.http.request import RecommendationRequest


def permitted(request: RecommendationRequest, sessions: Sessions | None) -> RecommendationRequest:
    """Return a request with permitted columns only; requests without a session's token are not limited.

    Parameters
    ----------
    sessions
        The shop's permissions; None if they cannot be read: then no columns are returned.

    Raises
    ------
    InvalidInput
        If it requests a column or a filter that the shop does not permit.
    """
    if request.session_id is None:
        return request
    if sessions is None:
        return dataclasses.replace(request, metadata_columns=())
    for name, key in request.metadata_columns:
        if key not in sessions.columns:
            raise InvalidInput(
                f"metadata is {validation.describe(name)}, expected {_expected('columns', sessions.columns)}"
            )
    if request.filter_name is not None and request.filter_name not in sessions.filters:
        raise InvalidInput(
            f"filter is {validation.describe(request.filter_name)}, expected {_expected('filters', sessions.filters)}"
        )
    return request


def _expected(what: str, names: Sequence[str]) -> str:
    if not names:
        return f"none: the configuration permits sessions no {what} (sessions.{what})"
    return f"one that the configuration permits sessions (sessions.{what}): {', '.join(names)}"
