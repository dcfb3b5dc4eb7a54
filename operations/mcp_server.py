"""Server of the Model Context Protocol with tools that read recommendations, using a key pair.

The user comes from the server's option or the application's header, never from a tool's arguments. So no prompt can
make a model read the list of another user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from alsolike.recommendations.request_fields import BOUGHT_TOGETHER, POPULAR, SIMILAR_ITEMS
from alsolike.runtime.errors import AlsolikeError
from operations.client.signed_api import Recommendations, SignedApi

USER_HEADER = "x-alsolike-user"
"""Header of HTTP requests with the user ID, which the shop's application sets."""

READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)

INSTRUCTIONS = (
    "Recommendations of a shop. The tools know the signed-in user. Items have IDs, and columns of the catalogue in "
    "`metadata`. Lists are sorted, best first. Do not invent items that no tool has returned."
)

Limit: TypeAlias = Annotated[int, Field(ge=1, le=50, description="Maximum number of items.")]


class Reason(BaseModel):
    """Interaction of the user that explains an item."""

    item_id: str
    event_type: str
    timestamp: float
    contribution: float


class Item(BaseModel):
    """Recommended item."""

    item_id: str
    score: float | None
    metadata: dict[str, str]


class Items(BaseModel):
    """Recommended items, best first, with their source and the ID of the response."""

    items: list[Item]
    source: str
    recommendation_id: str


class Explanation(BaseModel):
    """Score of an item for the user, and the interactions with the largest contributions."""

    item_id: str
    score: float | None
    reasons: list[Reason]


def server(api: SignedApi, *, metadata: Sequence[str], user: str | None = None, version: str = "") -> MCPServer[Any]:
    """Create the server. A request's header `USER_HEADER` replaces `user`."""
    mcp: MCPServer[Any] = MCPServer("alsolike", version=version, instructions=INSTRUCTIONS, log_level="WARNING")

    def user_of(context: Context[Any, Any]) -> str | None:
        headers: Mapping[str, str] = context.headers or {}
        return headers.get(USER_HEADER) or user

    @mcp.tool(annotations=READ_ONLY)
    def search(query: str, context: Context[Any, Any], limit: Limit = 10) -> Items:
        """Search for items with all words of the query, or words that start with them, ranked for the user."""
        return _items(lambda: api.search(query, user_id=user_of(context), k=limit, metadata=metadata))

    @mcp.tool(annotations=READ_ONLY)
    def recommend(context: Context[Any, Any], limit: Limit = 10) -> Items:
        """Recommend items to the user, or popular items if the user is unknown."""
        user_id = user_of(context)
        recommender = POPULAR if user_id is None else None
        return _items(lambda: api.recommendations(user_id, k=limit, recommender=recommender, metadata=metadata))

    @mcp.tool(annotations=READ_ONLY)
    def similar(item_id: str, limit: Limit = 10) -> Items:
        """Recommend alternatives to an item."""
        return _items(
            lambda: api.recommendations(None, k=limit, recommender=SIMILAR_ITEMS, item_id=item_id, metadata=metadata)
        )

    @mcp.tool(annotations=READ_ONLY)
    def complete_cart(
        item_ids: Annotated[list[str], Field(min_length=1, max_length=50, description="Items in the cart.")],
        limit: Limit = 10,
    ) -> Items:
        """Recommend items that complete a cart."""
        return _items(
            lambda: api.recommendations(None, k=limit, recommender=BOUGHT_TOGETHER, cart=item_ids, metadata=metadata)
        )

    @mcp.tool(annotations=READ_ONLY)
    def explain(item_id: str, context: Context[Any, Any]) -> Explanation:
        """Explain why an item is recommended to the user: the user's interactions that contribute most."""
        user_id = user_of(context)
        if user_id is None:
            raise ToolError("no user is signed in, so there is no history that explains an item")
        (item,) = _called(lambda: api.ranked(user_id, [item_id], explain=True)).items or (None,)
        if item is None:
            raise ToolError(f"item {item_id!r} may not be recommended: a filter excludes it, or it was deleted")
        reasons = [
            Reason(
                item_id=reason["itemId"],
                event_type=reason["eventType"],
                timestamp=reason["timestamp"],
                contribution=reason["contribution"],
            )
            for reason in item.reasons
        ]
        return Explanation(item_id=item_id, score=item.score, reasons=reasons)

    return mcp


def _items(call: Callable[[], Recommendations]) -> Items:
    answer = _called(call)
    items = [Item(item_id=item.item_id, score=item.score, metadata=dict(item.metadata)) for item in answer.items]
    return Items(items=items, source=answer.source, recommendation_id=answer.recommendation_id)


def _called(call: Callable[[], Recommendations]) -> Recommendations:
    try:
        return call()
    except AlsolikeError as error:
        raise ToolError(str(error)) from error
