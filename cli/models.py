"""`alsolike models`: versions, what is known of them, and which of them is champion."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from cli import model_changes
from cli.options import AsJson, Stack, State

app = typer.Typer(no_args_is_help=True, help="Model versions, promotion and rollback.")
app.command("promote")(model_changes.promote)
app.command("rollback")(model_changes.rollback)
app.command("resume")(model_changes.resume)
app.command("retire")(model_changes.retire)
app.command("pin")(model_changes.pin)
app.command("unpin")(model_changes.unpin)
app.command("repair")(model_changes.repair)

Version = model_changes.Version


@app.command("list")
def list_versions(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """List the model versions, the latest first.

    Example: alsolike models list
    """
    from cli import console
    from operations.client import deployment
    from operations.models import versions as model_versions

    where = deployment.resolve(stack=stack, state=state)
    found = model_versions.versions(where)
    if as_json:
        console.print_json([dataclasses.asdict(version) for version in found])
    elif not found:
        console.print_line("There is no model yet. Train one with `alsolike train`.")
    else:
        console.print_table(
            ["version", "status", "pinned", "algorithm", "items", "HR@10", "NDCG@10", "coverage"],
            [
                [
                    version.version,
                    model_versions.status(version),
                    "pinned" if version.pinned else "",
                    version.algorithm,
                    version.items,
                ]
                + ([winner.hr, winner.ndcg, winner.coverage] if (winner := version.winner) else [None] * 3)
                for version in found
            ],
        )
        champion = model_versions.pointer(where).champion()
        if champion is not None and champion.held is not None:
            console.print_line(f"new versions are {champion.held}")


@app.command("show")
def show(version: Version, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show a version: metrics, dataset, decisions, promotions.

    Example: alsolike models show 2026-03-01-ab12
    """
    from cli import console, model_story
    from operations.client import deployment

    story = model_story.story(deployment.resolve(stack=stack, state=state), version)
    if as_json:
        console.print_json(story.document())
    else:
        model_story.print_story(story)


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(metavar="A", show_default=False)],
    after: Annotated[str, typer.Argument(metavar="B", show_default=False)],
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the differences of version B from version A.

    Example: alsolike models diff A B
    """
    from cli import console, model_difference
    from operations.client import deployment

    found = model_difference.difference(deployment.resolve(stack=stack, state=state), before, after)
    if as_json:
        console.print_json(dataclasses.asdict(found))
    else:
        model_difference.print_difference(found)
