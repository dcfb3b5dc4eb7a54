"""`alsolike recommend`: what a user would also like, asked over the HTTP API."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from cli.options import AsJson, Stack, State


def recommend(
    user: Annotated[str, typer.Option("--user", metavar="ID", help="Whom to recommend to.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, max=500, help="How many items.")] = 10,
    metadata: Annotated[str, typer.Option(help="Columns of the catalogue to show, by comma; '' for none.")] = "TITLE",
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the items that a user would also like, best first."""
    from cli import console, deployment
    from cli.api import Api

    columns = [name.strip() for name in metadata.split(",") if name.strip()]
    answer = Api(deployment.resolve(stack=stack, state=state)).recommendations(user, k=k, metadata=columns)
    if as_json:
        console.print_json(dataclasses.asdict(answer))
        return
    shown = {name.lower(): name for item in answer.items for name in item.metadata}
    console.print_table(
        ["rank", "item", *shown.values(), "score"],
        [
            [rank, item.item_id, *(item.metadata.get(name) for name in shown.values()), item.score]
            for rank, item in enumerate(answer.items, start=1)
        ],
    )
    said = [f"source {answer.source}", f"model {answer.model_version or 'none'}", f"{answer.duration_ms:.0f} ms"]
    if answer.cold:
        said.insert(1, f"{answer.cold} new to the model")
    if answer.filled:
        said.insert(1, f"the last {answer.filled} popular")
    if answer.degraded:
        said.append(f"degraded: {answer.degraded}")
    console.print_line(", ".join(said))
