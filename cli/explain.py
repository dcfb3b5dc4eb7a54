"""`alsolike explain`: what an answer was, and why each of its items was in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from alsolike.domain import recommendation_id as ids
from alsolike.domain.recommendation_id import RecommendationId
from alsolike.runtime.errors import InvalidInput, NotFound
from cli import console
from cli.options import Context
from operations import times
from operations.client.deployment import Deployment

if TYPE_CHECKING:
    from alsolike.lake.served import Served
    from operations.explanation.replaying import Replay

_ORIGINS = {"filled": "popular: the list ended before", "pinned": "a rule pins it here", "explored": "tried out"}


def explain(
    context: Context,
    recommendation_id: Annotated[str, Argument(metavar="RECOMMENDATION_ID", show_default=False)],
    user: Annotated[
        str | None, Option(metavar="ID", help="User or session of the response; the lake stores only a hash.")
    ] = None,
    request: Annotated[
        Path | None,
        Option(metavar="FILE", help="Request body as JSON, for values that the log lacks; - is standard input."),
    ] = None,
) -> None:
    """Explain a logged response and replay it.

    Show the response with its reasons, and compare it with a replay as of its time. The ID contains the time,
    recommender and model version; the lake has the rest. The replay of a user's response needs --user. Pass filter
    values, context, promotions and excluded items with --request: the log lacks them.

    Example: alsolike explain RECOMMENDATION_ID --user 42
    """
    from operations.explanation import asked, replaying
    from operations.explanation.people import history_at_answer
    from operations.explanation.served_rows import find_row

    said = ids.parse(recommendation_id)
    where = context.deployment
    body = None if request is None else asked.read_request(request)
    user = user or (body or {}).get("userId")
    head = _head(where, recommendation_id, said)
    try:
        row = find_row(where, recommendation_id, said)
    except NotFound:
        if not context.printed({**head, "row": None}):
            _print_head(head)
        raise
    head |= {"model_version": row.model_version, "arms": row.arms}
    again, not_replayed = None, None
    rest = {} if body is None else asked.said_by(body, row)
    if user is None and (row.shopper, row.session) != (None, None):
        not_replayed = "the response belongs to a user; name the user with --user"
    else:
        history = () if user is None else history_at_answer(where, row, user)
        try:
            again = replaying.replay(where, row, user=user, history=history, said=rest)
        except (InvalidInput, NotFound) as error:
            not_replayed = str(error)
    differences = [] if again is None else replaying.differences(row, again, said=rest)
    if context.printed(_document(head, row, again, differences=differences, not_replayed=not_replayed)):
        return
    _print_head(head)
    _print_row(row, again)
    if again is None:
        console.print_line(f"not repeated: {not_replayed}")
    elif not differences:
        console.print_line("repeated for the time of the response, the result is the same")
    else:
        console.print_line("repeated for the time of the response, the result differs:")
        for difference in differences:
            console.print_line(f"  {difference}")


def _head(where: Deployment, recommendation_id: str, said: RecommendationId) -> dict[str, Any]:
    """Return what the id says, its tags resolved as far as they are known here."""
    from operations.explanation.names import arm_of, version_of

    return {
        "recommendation_id": recommendation_id,
        "answered_ms": said.answered_ms,
        "answered": f"{times.text(said.answered_ms, 'milliseconds').replace(' ', 'T')}+00:00",
        "recommender": said.recommender,
        "model_version": version_of(where, said.version_tag),
        "arms": [arm_of(where, tag) for tag in said.arm_tags],
    }


def _print_head(head: dict[str, Any]) -> None:
    arms = ", ".join(head["arms"]) or "none"
    _print_values(
        {
            "recommender": head["recommender"],
            "answered": head["answered"],
            "model": str(head["model_version"]),
            "arms": arms,
        }
    )


def _print_values(values: Mapping[str, object]) -> None:
    for label, value in values.items():
        if value not in (None, ""):
            console.print_line(f"{label:<14} {console.visible(str(value))}")


def _print_row(row: Served, again: Replay | None) -> None:
    _print_values(
        {
            "source": row.source,
            "degraded": ", ".join(row.degraded),
            "configuration": row.configuration,
            "rules": row.rules,
            "filter": row.filter,
            "page's item": row.page_item,
            "requested": f"{row.asked} items, {len(row.item_ids)} returned",
        }
    )
    console.print_table(
        ["place", "item", "origin", "propensity", "because of", *(["again"] if again else [])],
        [
            [
                *(each[name] for name in ("place", "item_id", "origin", "propensity")),
                _because(row, each),
                *([each["replayed_place"]] if again else []),
            ]
            for each in _items(row, again)
        ],
    )


def _because(row: Served, item: dict[str, Any]) -> str:
    if item["reasons"]:
        return "; ".join(
            f"{reason['eventType']} {reason['itemId']} ({reason['contribution']:.3g})" for reason in item["reasons"]
        )
    if item["origin"].startswith("promoted:"):
        return f"promotion {item['origin'].partition(':')[2]}"
    if item["origin"] in _ORIGINS:
        return _ORIGINS[item["origin"]]
    if row.page_item is not None and row.source in ("similar", "bought-together"):
        return f"{row.source} of {row.page_item}"
    return "" if row.source == "model" else row.source


def _items(row: Served, again: Replay | None) -> list[dict[str, Any]]:
    places = {} if again is None else {item_id: place for place, item_id in enumerate(again.item_ids, 1)}
    return [
        {
            "place": place,
            "item_id": item_id,
            "origin": origin,
            "propensity": propensity,
            "reasons": None if again is None else [json.loads(text) for text in again.reasons.get(item_id, ())],
            "replayed_place": places.get(item_id),
        }
        for place, (item_id, origin, propensity) in enumerate(
            zip(row.item_ids, row.origins, row.propensities, strict=True), 1
        )
    ]


def _document(
    head: dict[str, Any], row: Served, again: Replay | None, *, differences: list[str], not_replayed: str | None
) -> dict[str, Any]:
    replayed = None
    if again is not None:
        said = dataclasses.asdict(again)
        del said["reasons"]
        replayed = {**said, "same": not differences, "differences": differences}
    return {**head, "row": row._asdict(), "items": _items(row, again), "replay": replayed, "not_replayed": not_replayed}
