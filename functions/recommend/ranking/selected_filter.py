"""The filter of a request, with its parameter values."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.domain.columns import as_declared
from alsolike.domain.configuration import Configuration
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterInputs
from alsolike.filters.interactions import NO_INTERACTIONS, Recent
from alsolike.filters.tree import Filter
from alsolike.filters.values import Values
from alsolike.profiles.store import RecentInteraction
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.struct import struct
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.state.catalogue import ModelCatalogue

_SHOWN_FILTERS = 10

_parse = functools.lru_cache(maxsize=512)(parser.parse)


@struct
class SelectedFilter:
    """A filter that applies to a request, and its parameters' values; `filter` is None without a filter."""

    name: str = ""
    filter: Filter | None = None
    values: Values = dataclasses.field(default_factory=dict)

    @property
    def needs_catalogue(self) -> bool:
        """True if its evaluation needs a catalogue."""
        return self.filter is not None and self.filter.needs_catalogue

    @property
    def needs_user(self) -> bool:
        """True if its evaluation needs the user's properties."""
        return self.filter is not None and self.filter.needs_user

    @property
    def needs_history(self) -> bool:
        """True if its evaluation needs the user's interactions."""
        return self.filter is not None and self.filter.needs_history


def choose(
    request: RecommendationRequest, configuration: Configuration, *, answering: str | None = None
) -> SelectedFilter:
    """Return the filter that the request names, else the recommender's own.

    Parameters
    ----------
    answering
        The recommender that answers in place of the requested one; its filter applies if that one has none.

    Raises
    ------
    NotFound
        If the configuration does not have the named filter.
    InvalidInput
        If the request has a value that only another filter could use.
    """
    name = request.filter_name
    if name is None:
        name = configuration.recommenders[request.recommender].filter
    if name is None and answering is not None:
        name = configuration.recommenders[answering].filter
    if name is None:
        if request.filter_values:
            raise InvalidInput(f"filterValues is given without a filter, and {request.recommender} has none")
        return SelectedFilter()
    return named(name, request, configuration, values=request.filter_values, where=request.filter_field)


def named(
    name: str, request: RecommendationRequest, configuration: Configuration, *, values: Values = MappingProxyType({}),
    where: str = "filter",
) -> SelectedFilter:  # fmt: skip
    """Return a filter of the configuration with its values.

    Parameters
    ----------
    where
        The field that names it.

    Raises
    ------
    NotFound
        If the configuration does not have it.
    InvalidInput
        If it reads an item, and the request has none.
    """
    expression = configuration.filters.get(name)
    if expression is None:
        found = f"{where} ends in" if where.endswith("Arn") else f"{where} is"
        raise NotFound(f"{found} {name!r}, expected {_known(configuration)}")
    chosen = SelectedFilter(name, _parse(expression), values)
    assert chosen.filter is not None
    if chosen.filter.needs_item and request.item_id is None:
        raise InvalidInput("itemId is missing, expected an item: the filter compares with CurrentItem")
    return chosen


def filter_inputs(
    chosen: SelectedFilter,
    request: RecommendationRequest,
    *,
    catalogue: ModelCatalogue,
    configuration: Configuration,
    recent: Sequence[RecentInteraction],
    positions: npt.NDArray[np.int64],
    user: Callable[[], Mapping[str, Any]],
    now_ms: int,
) -> FilterInputs:
    """Return the request's inputs to its filter.

    Parameters
    ----------
    recent
        The interactions of the requesting user, and `positions` those of their items; used by filters that read them.
    user
        Returns the properties of the requesting user; called only if the filter reads them.
    now_ms
        The value of NOW.
    """
    filter_ = chosen.filter
    if filter_ is None:
        return FilterInputs(now_ms=now_ms)
    return FilterInputs(
        now_ms=now_ms,
        values=chosen.values,
        recent=_recent(recent, positions) if filter_.needs_history else NO_INTERACTIONS,
        item=as_declared(catalogue.properties([request.item_id])[0], configuration.item_columns)
        if request.item_id
        else {},
        user=as_declared(user(), configuration.user_columns) if filter_.needs_user else {},
    )


def _known(configuration: Configuration) -> str:
    names = sorted(configuration.filters)
    if not names:
        return "none: the configuration has no filters"
    more = f" or one of {len(names) - _SHOWN_FILTERS} more" if len(names) > _SHOWN_FILTERS else ""
    return ", ".join(names[:_SHOWN_FILTERS]) + more


def _recent(recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64]) -> Recent:
    return Recent(
        positions,
        [interaction.event_type for interaction in recent],
        np.array([interaction.event_time_ms for interaction in recent], np.int64),
    )
