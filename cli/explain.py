"""Command `alsolike explain`: a logged response, with reasons for its items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from alsolike.runtime.errors import NotFound
from cli import terminal
from cli.options import Context

if TYPE_CHECKING:
    from alsolike.records.served_response import ServedResponse
    from operations.explanation.report import Explanation

_ORIGINS = {"filled": "popular: the list ended before", "pinned": "a rule pins it here", "explored": "tried out"}


def explain(
    context: Context,
    recommendation_id: Annotated[str, Argument(metavar="RECOMMENDATION_ID", show_default=False)],
    user: Annotated[
        str | None, Option(metavar="ID", help="User or session of the response; the lake stores only a hash.")
    ] = None,
    request: Annotated[
        Path | None,
        Option(metavar="FILE", help="Request body as JSON, with values that old rows lack; - is standard input."),
    ] = None,
) -> None:
    """Explain a logged response and replay it.

    Show the response with the reasons for its items, and compare it with a replay for the time of the response. The ID
    contains the time, recommender, model version and arms. All other data comes from the lake. The replay of a user's
    response needs --user. For rows of version 0.2.0 and earlier, pass filter values, context, promotions and excluded
    items with --request, because these rows do not contain them.

    Example: alsolike explain RECOMMENDATION_ID --user 42
    """
    from operations.explanation import report
    from operations.explanation.unlogged_parameters import read_request

    deployment = context.deployment
    body = None if request is None else read_request(request)
    head = report.head_of(deployment, recommendation_id)
    try:
        found = report.explain(deployment, head, user=user or (body or {}).get("userId"), request=body)
    except NotFound:
        if not context.printed({**head, "row": None}):
            _print_head(head)
        raise
    if context.printed(found.document()):
        return
    _print_head(found.head)
    _print_row(found)
    if found.replay is None:
        terminal.print_line(f"not repeated: {found.not_replayed}")
    elif not found.differences:
        terminal.print_line("repeated for the time of the response, the result is the same")
    else:
        terminal.print_line("repeated for the time of the response, the result differs:")
        terminal.print_lines(f"  {difference}" for difference in found.differences)


def _print_head(head: Mapping[str, Any]) -> None:
    arms = ", ".join(head["arms"]) or "none"
    terminal.print_values(
        {
            "recommender": head["recommender"],
            "answered": head["answered"],
            "model": str(head["model_version"]),
            "arms": arms,
        }
    )


def _print_row(found: Explanation) -> None:
    row, has_replay = found.row, found.replay is not None
    terminal.print_values(
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
    terminal.print_table(
        ["place", "item", "by score", "origin", "propensity", "because of", *(["again"] if has_replay else [])],
        [
            [
                *(each[name] for name in ("place", "item_id", "place_by_score", "origin", "propensity")),
                _because(row, each),
                *([each["replayed_place"]] if has_replay else []),
            ]
            for each in found.items
        ],
    )


def reasons_text(reasons: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{reason['eventType']} {reason['itemId']} ({reason['contribution']:.3g})" for reason in reasons)


def _because(row: ServedResponse, item: dict[str, Any]) -> str:
    if item["reasons"]:
        return reasons_text(item["reasons"])
    if item["origin"].startswith("promoted:"):
        return f"promotion {item['origin'].partition(':')[2]}"
    if item["origin"] in _ORIGINS:
        return _ORIGINS[item["origin"]]
    if row.page_item is not None and row.source in ("similar", "bought-together"):
        return f"{row.source} of {row.page_item}"
    return "" if row.source == "model" else row.source
