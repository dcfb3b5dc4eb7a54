"""The context of a request: filter, time budget, user, and the data for recommenders, each read on first use."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from botocore.exceptions import ConnectionClosedError

from alsolike.bundle.popular_groups import Group
from alsolike.domain.columns import as_declared
from alsolike.domain.configuration import Configuration
from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterInputs
from alsolike.filters.interactions import NO_INTERACTIONS, Recent
from alsolike.filters.tree import Filter
from alsolike.filters.values import Values
from alsolike.lake.served import FILLED, RANKED
from alsolike.profiles.store import Profile, RecentInteraction
from alsolike.recommendations.requests import BOUGHT_TOGETHER, FOR_YOU, POPULAR, SIMILAR_ITEMS, TRENDING
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.polling import PolledValue
from alsolike.runtime.struct import struct
from alsolike.trends.trends import Trends
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.http.response import RankedItem
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Bias, ColdFilling, History, Model, Ranked
from functions.recommend.state.serving_state import NO_CONFIGURATION, ServingState
from functions.recommend.state.stores import UserStores

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


def choose_filter(
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
    return named_filter(name, request, configuration, values=request.filter_values, where=request.filter_field)


def named_filter(
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
        place = f"{where} ends in" if where.endswith("Arn") else f"{where} is"
        raise NotFound(f"{place} {name!r}, expected {_known(configuration)}")
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


UNLIMITED = 0
"""The limit of an answer without a time budget."""

ALWAYS = 10
"""Steps below this fraction (1/10) of the budget always run: skipping them would save nothing."""


class Budget:
    """Time from the beginning of a request.

    Parameters
    ----------
    limit_ms
        Maximum duration of the answer; 0 for no limit.
    clock
        Returns seconds from an arbitrary start.
    """

    def __init__(self, limit_ms: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit_ms = limit_ms
        self._clock = clock
        self._start = clock()

    def allows(self, expected_ms: float) -> bool:
        """Return true if a step with the expected duration still fits."""
        if not self._limit_ms or expected_ms * ALWAYS <= self._limit_ms:
            return True
        return self.took_ms + expected_ms <= self._limit_ms

    @property
    def took_ms(self) -> float:
        """The time since the beginning."""
        return (self._clock() - self._start) * 1000


PROFILE_UNAVAILABLE = "profile-unavailable"
USER_UNAVAILABLE = "user-unavailable"

NO_PROFILE = Profile("")


class RequestUser:
    """The user or session of one request.

    Parameters
    ----------
    session_id
        Set if a session's token identifies the caller. Then `user_id` is always a user; else it may be a session.
    length
        Maximum number of interactions to read.
    """

    def __init__(self, people: UserStores, *, user_id: str | None, session_id: str | None, length: int) -> None:
        self._people = people
        self._length = length
        self._user_id = user_id
        self._session_id = user_id if session_id is None else session_id
        self._failed_reads: dict[str, None] = {}

    @functools.cached_property
    def profile(self) -> Profile:
        """The profile of the user or session; an empty one if it cannot be read."""
        ids = self._people.ids
        profile = NO_PROFILE
        try:
            if self._user_id is not None:
                profile = self._read(f"{USER_PREFIX}{ids.user(self._user_id)}")
            if not profile.recent and self._session_id is not None:
                of_session = self._read(f"{SESSION_PREFIX}{ids.session(self._session_id)}")
                profile = dataclasses.replace(of_session, erased=profile.erased)
        except Unavailable as error:
            logger.error("profile cannot be read", reason=str(error))
            self._failed_reads[PROFILE_UNAVAILABLE] = None
        return profile

    @property
    def degraded(self) -> tuple[str, ...]:
        """The reads that have failed so far."""
        return tuple(self._failed_reads)

    @property
    def interactions(self) -> Sequence[RecentInteraction]:
        """The user's latest interactions, oldest first, for callers that cannot work without them."""
        if self.is_unavailable:
            raise Unavailable("the user's interactions cannot be read")
        return self.profile.recent

    @property
    def is_unavailable(self) -> bool:
        """True if the profile cannot be read."""
        return not self.profile.recent and PROFILE_UNAVAILABLE in self._failed_reads

    @functools.cached_property
    def properties(self) -> Mapping[str, Any]:
        """The shop's properties of the user; empty for an erased user, whose row may still be stored.

        Raises
        ------
        Unavailable
            If it cannot be read.
        """
        if self._user_id is None or self.profile.erased:
            return {}
        try:
            return self._people.users.get(self._people.ids.user(self._user_id)).row.properties
        except NotFound:
            return {}
        except Unavailable as error:
            logger.error("user cannot be read", reason=str(error))
            self._failed_reads[USER_UNAVAILABLE] = None
            raise

    def _read(self, profile: str) -> Profile:
        """Read a profile; repeat the read once if DynamoDB had closed the connection, which costs no waiting."""
        try:
            return self._people.profiles.read(profile, length=self._length)
        except Unavailable as error:
            if not isinstance(error.__cause__, ConnectionClosedError):
                raise
            return self._people.profiles.read(profile, length=self._length)


NO_POSITIONS = np.zeros(0, np.int64)
MODEL_SLOW = "model-slow"

OF_PRODUCTS = frozenset({FOR_YOU, SIMILAR_ITEMS, BOUGHT_TOGETHER, TRENDING, POPULAR})
"""Recommenders of lists in which a product has one place. The others list a user's own items, or given ones."""


class RequestContext:
    """A request and the data to answer it.

    Parameters
    ----------
    answering
        The recommender that answers in place of the requested one, or the requested one.

    Attributes
    ----------
    chosen, is_filter_known
        The filter that applies; false if the request names one and the configuration was never read.
    model
        None before the first model.
    state_degraded
        Names of the missing and stale parts of the serving state.
    one_per_product
        True if variants of a product take one place.
    wanted
        Number of items that the recommender must find. It exceeds the requested number if rules choose among them, or
        if variants are left out.
    classes
        Returns biases that divide the allowed items by their product of boosts and demotions; the best of each class
        are wanted. None without boosts and demotions.
    """

    def __init__(
        self,
        request: RecommendationRequest,
        state: ServingState,
        *,
        answering: str,
        people: UserStores,
        trends: PolledValue[Trends],
        budget: Budget,
        now_ms: int,
    ) -> None:
        configuration = state.configuration
        self.is_filter_known = request.filter_name is None or NO_CONFIGURATION not in state.degraded
        self.chosen = (
            choose_filter(request, configuration, answering=answering) if self.is_filter_known else SelectedFilter()
        )
        self.request = (
            request if answering == request.recommender else dataclasses.replace(request, recommender=answering)
        )
        self.model = state.model
        self.catalogue = state.catalogue
        self.configuration = configuration
        self.shopper = RequestUser(
            people,
            user_id=request.user_id,
            session_id=request.session_id,
            length=configuration.limits.history_length,
        )
        self.budget = budget
        self.state_degraded = state.degraded
        self.now_ms = now_ms
        self.one_per_product = configuration.variants is not None and answering in OF_PRODUCTS
        self.wanted = request.num_results
        self.classes: Callable[[], Sequence[Bias] | None] | None = None
        self._polled_trends = trends
        self._asked: dict[int, tuple[SelectedFilter, FilterInputs]] = {}

    def steered(self, *, wanted: int, classes: Callable[[], Sequence[Bias] | None] | None) -> RequestContext:
        """Return a copy for a recommender whose items rules choose among; see `wanted` and `classes`."""
        steered = copy.copy(self)
        steered.wanted, steered.classes = wanted, classes
        return steered

    @property
    def degraded(self) -> tuple[str, ...]:
        """The missing and stale parts of the serving state, and the failed reads of user and trends so far."""
        lacking = self._polled_trends.degraded if "trends" in self.__dict__ else None
        return (*self.state_degraded, *self.shopper.degraded, *([] if lacking is None else [lacking]))

    @functools.cached_property
    def trends(self) -> Trends:
        """The source of trending items."""
        return self._polled_trends.current(now_ms=self.now_ms)

    @property
    def recent(self) -> Sequence[RecentInteraction]:
        """The shopper's latest interactions, oldest first."""
        return self.shopper.profile.recent

    @functools.cached_property
    def excluded(self) -> Sequence[str]:
        """Items that the answer leaves out: those of the request, and those that its recipe hides from the user."""
        hides = self.request.hides
        if not hides:
            return self.request.exclude
        return (
            *self.request.exclude,
            *(interaction.item_id for interaction in self.recent if interaction.event_type in hides),
        )

    @functools.cached_property
    def positions(self) -> npt.NDArray[np.int64]:
        """The position of the item of each recent interaction, see `ModelCatalogue.positions`."""
        return self.catalogue.positions([interaction.item_id for interaction in self.recent])

    @functools.cached_property
    def bias(self) -> Bias | None:
        """The bias that bars items, by position, cold items included; None if no item is barred.

        Raises
        ------
        Unavailable
            If the filter reads the user or the user's interactions, and they cannot be read.
        """
        return self.without(self.bias_of(self.chosen), self.excluded)

    def bias_of(self, chosen: SelectedFilter) -> Bias | None:
        """Return the bias that bars a filter's rejected items and deleted ones; see `bias`."""
        if chosen.filter is None:
            return self.catalogue.bias_of_deleted
        return self.catalogue.bias(chosen.filter, self._asked_with(chosen), name=chosen.name)

    def without(self, bias: Bias | None, item_ids: Sequence[str]) -> Bias | None:
        """Return a bias that bars some items as well."""
        if not item_ids:
            return bias
        places = self.catalogue.positions(item_ids)
        places = places[places > 0]
        if not len(places):
            return bias
        barring = self.catalogue.neutral() if bias is None else bias.copy()
        barring[places] = -np.inf
        return barring

    def model_delay(self, *, with_bias: bool = False) -> tuple[str, ...]:
        """Return the reason why the answer is degraded if there is no time for the model, else nothing."""
        assert self.model is not None
        with_bias = with_bias or self.bias is not None
        if self.budget.allows(self.model.expected_ms(with_bias=with_bias)):
            return ()
        self.model.record_skipped_run(with_bias=with_bias)
        return (MODEL_SLOW,)

    @property
    def bias_of_model(self) -> Bias | None:
        """The part of `bias` that is about items that the model knows."""
        assert self.model is not None
        return None if self.bias is None else self.bias[: self.model.bundle.manifest.items + 1]

    @property
    def cold_filling(self) -> ColdFilling | None:
        """The function that lists the cold items that may be recommended; see `ModelCatalogue.cold_filling`."""
        return self.catalogue.cold_filling(self.bias)

    def passing(self, scored: Sequence[tuple[str, float]]) -> list[RankedItem]:
        """Return the items that may be recommended, in their order; unknown items are included."""
        passes = self.passes([item_id for item_id, _ in scored], self.chosen, bias=self.bias)
        return [RankedItem(*item) for item, passed in zip(scored, passes, strict=True) if passed]

    def passes(self, item_ids: Sequence[str], chosen: SelectedFilter, *, bias: Bias | None) -> list[bool]:
        """Return, per item, true if it passes a filter, was not deleted and is not excluded by the request; see `bias`.

        Parameters
        ----------
        bias
            What `bias_of` returned for the filter.
        """
        recent = self.recent if chosen.needs_history else ()
        passes: list[bool] = self.catalogue.passing(
            item_ids, chosen.filter, self._asked_with(chosen), name=chosen.name,
            bias=bias, recent=[interaction.item_id for interaction in recent],
        ).tolist()  # fmt: skip
        if self.excluded:
            excluded = frozenset(self.excluded)
            return [passed and item_id not in excluded for item_id, passed in zip(item_ids, passes, strict=True)]
        return passes

    def allowed(self, item_ids: Sequence[str]) -> list[bool]:
        """Return which items may be answered; see `passes`."""
        return self.passes(item_ids, self.chosen, bias=self.bias)

    def named(
        self, ranked: Sequence[Ranked], filling: Sequence[Ranked] = (), *, origin: str = RANKED
    ) -> list[RankedItem]:
        """Return items by their ids instead of their positions.

        Parameters
        ----------
        filling
            Items that follow; their origin is `FILLED` if there are ranked ones.
        origin
            The reason for the places of the ranked items, and of the others if there are none.
        """
        item_ids = self.catalogue.item_ids([position for position, _ in (*ranked, *filling)])
        origins = [origin] * len(ranked) + [FILLED if ranked else origin] * len(filling)
        scores = [score for _, score in (*ranked, *filling)]
        return list(map(RankedItem, item_ids, scores, origins))

    def user_columns(self) -> Mapping[str, Any]:
        """Return the user's properties from the request and the shop."""
        stored: Mapping[str, Any] = {}
        if not self.shopper.is_unavailable:  # else the request would wait for DynamoDB a second time
            with contextlib.suppress(Unavailable):  # `properties` has declared it
                stored = self.shopper.properties
        return as_declared({**stored, **self.request.context}, self.configuration.user_columns)

    def history(self, model: Model) -> History:
        """Return a model's input from the user's interactions and properties."""
        return model.history(self.recent, self.positions, user=self.user_columns)

    def group(self) -> Group | None:
        """Return the smallest group that matches the user's properties from the request and the shop."""
        if self.model is None or not self.model.bundle.groups:
            return None
        return self.model.bundle.groups.of(self.user_columns())

    def _asked_with(self, chosen: SelectedFilter) -> FilterInputs:
        """Return the request's inputs to a filter, built once."""
        if id(chosen) not in self._asked:
            asked = filter_inputs(
                chosen,
                self.request,
                catalogue=self.catalogue,
                configuration=self.configuration,
                recent=self.shopper.interactions if chosen.needs_history else (),
                positions=self.positions if chosen.needs_history else NO_POSITIONS,
                user=lambda: self.shopper.properties,
                now_ms=self.now_ms,
            )
            self._asked[id(chosen)] = chosen, asked  # kept, so that the id stays its own
        return self._asked[id(chosen)][1]
