"""Suggested next steps for a deployment: import, train or recommend."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from alsolike.runtime.errors import NotFound
from cli import terminal
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import store_of
from operations.deployment_stage import Stage, stage_of, stored_user
from operations.pages import page_urls

STOCK_TITLE = "Recommend only items in stock"
_IN_STOCK = ("for-you", "similar-items", "bought-together", "popular", "trending")
"""Recommenders that `stock_suggestion` restricts to items in stock, without recommenders of items that a user knows."""


def step_lines(deployment: Deployment, *, reach: Sequence[str]) -> list[str]:
    """Return numbered steps that match the deployment's state.

    `reach` contains the options that select the deployment in another command.
    """
    user_id = None if (stage := stage_of(deployment)) is Stage.EMPTY else stored_user(deployment)
    train = ("Train a model", terminal.call("train", *reach))
    recommend = ("Recommend", terminal.call("recommend", "--user", user_id or "ID", *reach))
    steps = {
        Stage.EMPTY: [
            (
                "Import your files",
                f"{terminal.call('import', 'items', 'items.csv', *reach)} && "
                f"{terminal.call('import', 'interactions', 'orders.csv', '--event-type', 'purchase', *reach)}",
            ),
            train,
            recommend,
        ],
        Stage.UNTRAINED: [train, recommend, ("See the state", terminal.call("status", *reach))],
        Stage.TRAINED: [
            (
                "Open the pages",
                ", ".join(page_urls(deployment.names).values()) or "this deployment has none",
            ),
            (
                "Call the API",
                " && ".join(curl_lines(deployment, user_id=user_id or "ID", item_id="ID", reach=reach)[:2]),
            ),
            recommend,
        ],
    }[stage]
    if stage is not Stage.EMPTY and (suggestion := stock_suggestion(deployment, reach=reach)):
        steps.append((STOCK_TITLE, suggestion))
    return [f"{number}. {title}: {command}" for number, (title, command) in enumerate(steps, start=1)]


def stock_suggestion(deployment: Deployment, *, reach: Sequence[str]) -> str | None:
    """Return a suggestion to add a filter for items in stock, or None if `stock_filter` finds none to add.

    The suggestion is a command. If the configuration already has filters or recommenders, the suggestion is a sentence,
    because the command appends these sections.
    """
    from operations.filters.stock import FILTER, stock_filter

    current = store_of(deployment).current()
    expression = stock_filter(current.configuration())
    if expression is None:
        return None
    if current.document.keys() & {"filters", "recommenders"}:
        names = ", ".join(_IN_STOCK)
        return f"add '{FILTER}: {expression}' under filters, and 'filter: {FILTER}' to the recommenders {names}"
    recommenders = ", ".join(f"{name}: {{filter: {FILTER}}}" for name in _IN_STOCK)
    lines = f"filters: {{{FILTER}: {expression}}}", f"recommenders: {{{recommenders}}}"
    added = "; ".join(f"echo {shlex.quote(line)}" for line in lines)
    return (
        f"{{ {terminal.call('config', 'show', *reach)}; {added}; }} | {terminal.call('config', 'apply', '-', *reach)}"
    )


def check_can_recommend(deployment: Deployment, *, reach: Sequence[str]) -> None:
    """Raise `NotFound` with the commands to run first if a deployment has no data or no model."""
    stage = stage_of(deployment)
    if stage is Stage.TRAINED:
        return
    train = terminal.call("train", *reach)
    if stage is Stage.UNTRAINED:
        raise NotFound(f"there is no model yet, so nothing is recommended. Train one with `{train}`")
    command = terminal.call("import", "interactions", "orders.csv", "--event-type", "purchase", *reach)
    raise NotFound(
        f"there are no interactions yet, so nothing is recommended. Import some with `{command}`, then run `{train}`"
    )


def curl_lines(deployment: Deployment, *, user_id: str, item_id: str, reach: Sequence[str] = ()) -> list[str]:
    """Return commands for a shell: the creation of a key, and a recommendation and an event that the key signs."""
    trust = f"--cacert {shlex.quote(str(deployment.certificate))} " if deployment.certificate else ""

    def call(path: str, body: str) -> str:
        return (
            f'curl -s {trust}--aws-sigv4 "aws:amz:$AWS_REGION:personalize" '
            f'--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$AWS_ENDPOINT_URL_PERSONALIZE{path}" -d {body}'
        )

    request = json.dumps({"userId": user_id, "numResults": 10})
    event = json.dumps({"eventType": "purchase", "itemId": item_id})
    tracking_id = deployment.names.tracking_id
    sent = json.dumps({"trackingId": tracking_id, "userId": user_id, "sessionId": "try", "eventList": []})
    # The shell inserts the time, because equal events in the same second are duplicates.
    before, after = f'{sent[:-2]}{event[:-1]}, "sentAt": ', "}]}"
    return [
        f'eval "$({terminal.call("keys", "create", "try", *reach)})"',
        call("/recommendations", shlex.quote(request)),
        call("/events", f"{shlex.quote(before)}$(date +%s){shlex.quote(after)}"),
    ]
