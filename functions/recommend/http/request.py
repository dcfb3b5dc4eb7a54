"""Parser of HTTP requests, in Personalize's format or as plain GET requests, to `RecommendationRequest`.

With a session token, columns and filters must be permitted for browsers; with a site key, also the recommender.
Sessions of operators are not limited.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alsolike.api.path_ids import path_id
from alsolike.bundle.reranker import DEVICE
from alsolike.configuration.aliases import NEXT_BEST_ACTION, Alias
from alsolike.configuration.arns import resource_name
from alsolike.configuration.columns import property_name
from alsolike.configuration.configuration import Sessions
from alsolike.configuration.rules import Exploration, Promotion
from alsolike.declarations.limits import (
    MAX_REQUEST_BODY_BYTES,
    MAX_RESULTS_WITH_METADATA,
)
from alsolike.declarations.shared_defaults import DEFAULT_ACTIONS, DEFAULT_PREVIEWED_RESULTS, DEFAULT_RESULTS
from alsolike.events.context import MAX_CHARACTERS
from alsolike.events.session_tokens import Session, session_of
from alsolike.events.site_keys import site_of
from alsolike.filters.values import Values, parse_values
from alsolike.recommendations.request_fields import (
    BOUGHT_TOGETHER,
    FOR_YOU,
    GET_ACTION_RECOMMENDATIONS,
    GET_PERSONALIZED_RANKING,
    GET_RECOMMENDATIONS,
    LISTING,
    OF_ITEMS,
    OF_USERS,
    PERSONALIZED_RANKING,
    POPULAR,
    POPULAR_QUERY,
    SEARCH_QUERY,
    SIMILAR_ITEMS,
    SIMILAR_QUERY,
    TRENDING,
    TRENDING_QUERY,
    USER_QUERY,
)
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.runtime.http import request_body
from alsolike.runtime.struct import struct
from alsolike.schema import validation
from alsolike.schema.fields import Integer
from alsolike.schema.queries import read_query
from alsolike.snapshot.search import words_of
from alsolike.trends.windows import DEFAULT_WINDOW, WINDOWS

_ARN_FIELDS = ("campaignArn", "recommenderArn")
_FEW = Integer(0, MAX_RESULTS_WITH_METADATA)

ACTION_ROUTE = "POST /action-recommendations"
RANKING_ROUTE = "POST /personalize-ranking"

ACTION_EXPLORATION = 0.3
"""Default in Amazon Personalize."""

RANKING_NAMES = (PERSONALIZED_RANKING, FOR_YOU)
"""Built-in campaign names of ranking requests. Both select the recommender `personalized-ranking`."""


LOGGED = ("cart", "context", "exclude", "filterValues", "promotions")


@struct
class RequestedPromotion:
    promotion: Promotion
    filter_values: Values


@struct
class RecommendationRequest:
    """Request for recommendations or a ranking.

    Attributes
    ----------
    user_id
        User ID, or session ID of an unknown user; None for a request without a user.
    session_id, site, operator
        Session and site key of a browser's token, and true for an operator's token. With a token, `user_id` is the
        token's user.
    item_id
        Item on the current page. Default: the last item of the cart.
    cart
        Items in the cart. `exclude` contains them too.
    context
        User properties in the request, which override stored properties.
    metadata_columns
        Pairs of the requested column name and the property name in the catalogue.
    to_rank
        Distinct items to rank; None for a request for recommendations.
    words
        Words of a search. The results of the search are ranked instead of `to_rank`.
    alias
        Name of the shop's campaign or recommender, which `resolved` replaces.
    alias_field, filter_field
        Names of the request fields with the alias and the filter, for errors.
    hides
        Event types. Items with which the user has events of these types are excluded.
    exploration, promotions
        Replacements for the exploration and the promotions of the rule set; None to use the rule set.
    device
        `DEVICE` of the context in lower case; None if missing, empty or longer than `MAX_CHARACTERS`.
    logged
        Parameters as sent that the log stores as JSON, because they have no column of their own.
    """

    user_id: str | None = None
    num_results: int = DEFAULT_RESULTS
    recommender: str = FOR_YOU
    session_id: str | None = None
    site: str | None = None
    operator: bool = False
    item_id: str | None = None
    cart: tuple[str, ...] = ()
    filter_name: str | None = None
    filter_field: str = "filter"
    filter_values: Values = dataclasses.field(default_factory=dict)
    context: Mapping[str, str] = dataclasses.field(default_factory=dict)
    metadata_columns: tuple[tuple[str, str], ...] = ()
    window: str = DEFAULT_WINDOW
    explain: bool = False
    to_rank: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
    promotions: tuple[RequestedPromotion, ...] | None = None
    exclude: tuple[str, ...] = ()
    alias: str | None = None
    alias_field: str = ""
    hides: tuple[str, ...] = ()
    exploration: Exploration | None = None
    device: str | None = None
    logged: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@struct
class ActionRequest:
    user_id: str
    num_results: int = DEFAULT_ACTIONS
    campaign: str = NEXT_BEST_ACTION

    def exploration(self, aliases: Mapping[str, Alias]) -> float:
        """Return the exploration weight, which scales the uncertainty of the propensities."""
        if self.campaign == NEXT_BEST_ACTION:
            return ACTION_EXPLORATION
        alias = aliases.get(self.campaign)
        if alias is None or alias.recommender != NEXT_BEST_ACTION:
            own = [name for name, one in aliases.items() if one.recommender == NEXT_BEST_ACTION]
            expected = " or ".join(f"/{name}" for name in (NEXT_BEST_ACTION, *own))
            raise NotFound(f"campaignArn ends in {self.campaign!r}, expected one that ends in {expected}")
        return ACTION_EXPLORATION if alias.exploration is None else alias.exploration.share


def parse_action_recommendations(event: Mapping[str, Any]) -> ActionRequest:
    given = _body(event)
    for name in ("filterArn", "filterValues"):
        if given.get(name):
            raise InvalidInput(f"{name} is given, expected none: actions have no filters, but an expiration")
    fields = GET_ACTION_RECOMMENDATIONS.read({key: value for key, value in given.items() if value is not None})
    campaign = resource_name(fields["campaignArn"]) if "campaignArn" in fields else NEXT_BEST_ACTION
    return ActionRequest(fields["userId"], fields.get("numResults") or DEFAULT_ACTIONS, campaign)


def parse_recommendations(event: Mapping[str, Any]) -> RecommendationRequest:
    given = GET_RECOMMENDATIONS.read(_body(event))
    named = [name for name in _ARN_FIELDS if name in given]
    if len(named) == 2:
        raise InvalidInput("campaignArn and recommenderArn are both given, expected one of them")
    segment = resource_name(given[named[0]]) if named else FOR_YOU
    recommender, window = _listing(segment) or (FOR_YOU, DEFAULT_WINDOW)
    request = _request(given, recommender=recommender, user_id=given.get("userId"), window=window)
    if _listing(segment) is None:
        return dataclasses.replace(request, alias=segment, alias_field=named[0])
    return _checked(request)


def parse_ranking(event: Mapping[str, Any]) -> RecommendationRequest:
    given = GET_PERSONALIZED_RANKING.read(_body(event))
    name = resource_name(given["campaignArn"])
    items = given["inputList"]
    if given.get("metadataColumns", {}).get("ITEMS") and len(items) > MAX_RESULTS_WITH_METADATA:
        raise InvalidInput(
            f"inputList has {len(items)} elements, expected 1 to {MAX_RESULTS_WITH_METADATA} with metadata"
        )
    request = _request(given, recommender=PERSONALIZED_RANKING, user_id=given["userId"])
    alias = None if name in RANKING_NAMES else name
    return dataclasses.replace(
        request, num_results=len(items), to_rank=tuple(dict.fromkeys(items)), alias=alias, alias_field="campaignArn"
    )


def parse_for_user(event: Mapping[str, Any]) -> RecommendationRequest:
    return _from_query(event, user_id=path_id(event, "userId"))


def parse_for_session(event: Mapping[str, Any]) -> RecommendationRequest:
    session = session_of(event)
    return _for_session(_from_query(event, user_id=session.user_id), session)


def parse_similar(event: Mapping[str, Any]) -> RecommendationRequest:
    given = read_query(event, SIMILAR_QUERY)
    request = _request(given, recommender=given.get("recommender", SIMILAR_ITEMS), user_id=None)
    return dataclasses.replace(request, item_id=path_id(event, "itemId"))


def parse_similar_for_session(event: Mapping[str, Any]) -> RecommendationRequest:
    session = session_of(event)
    return _for_session(parse_similar(event), session)


def parse_trending(event: Mapping[str, Any]) -> RecommendationRequest:
    return _request(read_query(event, TRENDING_QUERY), recommender=TRENDING, user_id=None)


def parse_popular(event: Mapping[str, Any]) -> RecommendationRequest:
    return _request(read_query(event, POPULAR_QUERY), recommender=POPULAR, user_id=None)


def parse_search(event: Mapping[str, Any]) -> RecommendationRequest:
    given = read_query(event, SEARCH_QUERY)
    request = _request(given, recommender=PERSONALIZED_RANKING, user_id=given.get("userId"))
    return dataclasses.replace(request, words=words_of(given["query"]))


def parse_preview(given: Mapping[str, Any]) -> RecommendationRequest:
    request = _request(given, recommender=given.get("recommender", FOR_YOU), user_id=given.get("userId"))
    return _checked(dataclasses.replace(request, num_results=given.get("numResults", DEFAULT_PREVIEWED_RESULTS)))


def parse_replay(given: Mapping[str, Any]) -> RecommendationRequest:
    to_rank = given.get("inputList")
    return dataclasses.replace(
        _request(given, recommender=given["recommender"], user_id=given.get("userId")),
        explain=True,
        to_rank=None if to_rank is None else tuple(dict.fromkeys(to_rank)),
    )


PARSERS: Mapping[str, Callable[[Mapping[str, Any]], RecommendationRequest]] = {
    "POST /recommendations": parse_recommendations,
    RANKING_ROUTE: parse_ranking,
    "GET /users/{userId}/recommendations": parse_for_user,
    "GET /items/{itemId}/similar": parse_similar,
    "GET /trending": parse_trending,
    "GET /popular": parse_popular,
    "GET /search": parse_search,
    "GET /session/recommendations": parse_for_session,
    "GET /session/items/{itemId}/similar": parse_similar_for_session,
}


def _for_session(request: RecommendationRequest, session: Session) -> RecommendationRequest:
    return dataclasses.replace(
        request,
        user_id=session.user_id,
        session_id=session.session_id,
        site=session.site,
        operator=session.operator,
    )


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    return validation.parse_sent_object(request_body(event, max_bytes=MAX_REQUEST_BODY_BYTES))


def _from_query(event: Mapping[str, Any], *, user_id: str | None) -> RecommendationRequest:
    given = read_query(event, USER_QUERY)
    request = _request(given, recommender=given.get("recommender", FOR_YOU), user_id=user_id)
    _check_cart(request)
    _check_item(request)
    if "window" in given and request.recommender != TRENDING:
        raise InvalidInput(
            f"window is {validation.describe(given['window'])}, expected none: {request.recommender} has no window, "
            f"only {TRENDING} has one"
        )
    return request


def _request(given: Mapping[str, Any], *, recommender: str, user_id: str | None, **more: Any) -> RecommendationRequest:
    """Return the request from the fields of a body or of a query."""
    columns = given["metadata"] if "metadata" in given else given.get("metadataColumns", {}).get("ITEMS", [])
    if columns and "numResults" in given:
        _FEW.read(given["numResults"], "numResults")
    filter_arn = given.get("filterArn")
    cart = tuple(dict.fromkeys(given.get("cart", ())))
    context = {property_name(name): value for name, value in given["context"].items()} if "context" in given else {}
    device = context.get(DEVICE, "")
    return RecommendationRequest(
        user_id=user_id,
        num_results=given.get("numResults") or DEFAULT_RESULTS,
        recommender=recommender,
        item_id=given.get("itemId", cart[-1] if cart else None),
        cart=cart,
        filter_name=given.get("filter") if filter_arn is None else resource_name(filter_arn),
        filter_field="filter" if filter_arn is None else "filterArn",
        filter_values=_values(given),
        context=context,
        device=device.lower() if 0 < len(device) <= MAX_CHARACTERS else None,
        metadata_columns=tuple([(name, property_name(name)) for name in columns]),
        window=more.get("window") or given.get("window", DEFAULT_WINDOW),
        explain=given.get("explain", False),
        promotions=tuple(map(_promotion, given["promotions"])) if "promotions" in given else None,
        exclude=tuple(dict.fromkeys((*given.get("exclude", ()), *cart))),
        logged={name: given[name] for name in LOGGED if given.get(name)},
    )


def _values(given: Mapping[str, Any]) -> Values:
    return {name: parse_values(name, text) for name, text in given.get("filterValues", {}).items()}


def _promotion(given: Mapping[str, Any]) -> RequestedPromotion:
    filter_name = resource_name(given["filterArn"])
    promotion = Promotion(filter_name, given["percentPromotedItems"] / 100, given.get("name", filter_name))
    return RequestedPromotion(promotion, _values(given))


def _checked(request: RecommendationRequest) -> RecommendationRequest:
    """Return the request. Raise `InvalidInput` if a required user or item is missing, or the cart is unused."""
    recommender = request.recommender
    _check_cart(request)
    if recommender in OF_USERS and request.user_id is None:
        other = "" if request.item_id is None else f"; {SIMILAR_ITEMS} and {BOUGHT_TOGETHER} need only itemId"
        raise InvalidInput(f"userId is missing, expected a user: {recommender} requires a user{other}")
    _check_item(request)
    return request


def _check_cart(request: RecommendationRequest) -> None:
    if request.cart and request.recommender != BOUGHT_TOGETHER:
        raise InvalidInput(
            f"cart is given, expected none: only {BOUGHT_TOGETHER} completes a cart, not {request.recommender}"
        )


def _check_item(request: RecommendationRequest) -> None:
    if request.recommender in OF_ITEMS and request.item_id is None:
        raise InvalidInput(f"itemId is missing, expected an item: {request.recommender} requires an item")


def _listing(segment: str) -> tuple[str, str] | None:
    """Return the recommender and window that an ARN ends in, such as `trending-3h`, or None for another name."""
    for window in WINDOWS:
        if segment == f"{TRENDING}-{window}":
            return TRENDING, window
    return (segment, DEFAULT_WINDOW) if segment in LISTING else None


def resolved(request: RecommendationRequest, aliases: Mapping[str, Alias]) -> RecommendationRequest:
    """Replace the alias by its recommender, hidden event types and exploration.

    The alias's filter applies only if the request has no filter. A ranking hides no event types.
    """
    if request.alias is None:
        return request
    ranks = request.to_rank is not None
    built_in = RANKING_NAMES if ranks else LISTING
    alias = aliases.get(request.alias)
    if alias is None or alias.recommender not in built_in:
        own = [name for name, one in aliases.items() if one.recommender in built_in]
        expected = " or ".join(f"/{name}" for name in (*built_in, *own))
        raise NotFound(f"{request.alias_field} ends in {request.alias!r}, expected one that ends in {expected}")
    selected = dataclasses.replace(
        request,
        alias=None,
        recommender=PERSONALIZED_RANKING if ranks else alias.recommender,
        filter_name=request.filter_name or alias.filter,
        hides=() if ranks else alias.hides,
        exploration=alias.exploration,
    )
    return _checked(selected)


def permitted(request: RecommendationRequest, sessions: Sessions | None) -> RecommendationRequest:
    """Return the request if its session may use its columns, filter and recommender; else raise `InvalidInput`.

    Requests without a session and sessions of operators are not limited. Only site keys limit recommenders. Without
    readable permissions (None), the columns are removed, and requests with a site key raise `Unavailable`.
    """
    if request.session_id is None or request.operator:
        return request
    if sessions is None:
        if request.site is not None:
            raise Unavailable("the configuration, which defines the permissions of site keys, cannot be read")
        return dataclasses.replace(request, metadata_columns=())
    if request.site is not None:
        permitted_recommenders = site_of(request.site, sessions).recommenders
        if request.recommender not in permitted_recommenders:
            raise InvalidInput(
                f"recommender is {validation.describe(request.recommender)}, expected one that the site key permits "
                f"(sessions.sites.{request.site}): {', '.join(permitted_recommenders) or 'none'}"
            )
    for name, key in request.metadata_columns:
        if key not in sessions.columns:
            raise InvalidInput(
                f"metadata is {validation.describe(name)}, expected {_permitted_names('columns', sessions.columns)}"
            )
    if request.filter_name is not None and request.filter_name not in sessions.filters:
        expected = _permitted_names("filters", sessions.filters)
        raise InvalidInput(f"filter is {validation.describe(request.filter_name)}, expected {expected}")
    return request


def _permitted_names(kind: str, names: Sequence[str]) -> str:
    if not names:
        return f"none: the configuration permits sessions no {kind} (sessions.{kind})"
    return f"one that the configuration permits sessions (sessions.{kind}): {', '.join(names)}"
