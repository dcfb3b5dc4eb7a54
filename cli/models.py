"""`alsolike models`: versions, what is known of them, and which of them is champion."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console, model_changes
from cli.options import AsJson, Stack, State
from operations.client import deployment

if TYPE_CHECKING:
    from operations.models.difference import Difference, FigureChange

app = typer.Typer(no_args_is_help=True, help="Model versions, promotion and rollback.")
app.command("promote")(model_changes.promote)
app.command("rollback")(model_changes.rollback)
app.command("resume")(model_changes.resume)
app.command("retire")(model_changes.retire)
app.command("pin")(model_changes.pin)
app.command("unpin")(model_changes.unpin)
app.command("repair")(model_changes.repair)

Version = model_changes.Version
_SHOWN_ITEMS = 10


@app.command("list")
def list_versions(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """List the model versions, the latest first.

    Example: alsolike models list
    """
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
            console.print_line(f"promotions are {champion.held}")


@app.command("show")
def show(version: Version, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show a version: metrics, dataset, decisions, promotions.

    Example: alsolike models show 2026-03-01-ab12
    """
    from cli import model_story

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
    from operations.models.difference import difference

    found = difference(deployment.resolve(stack=stack, state=state), before, after)
    if as_json:
        console.print_json(dataclasses.asdict(found))
    else:
        _print_difference(found)


def _print_difference(found: Difference) -> None:
    """Print it for people."""
    for title, changes in (("figures", found.figures), ("dataset", found.dataset)):
        rows = [[change.name, change.before, change.after, _delta(change)] for change in changes]
        if rows:
            console.print_table([title, found.before, found.after, "difference"], rows)
    if not found.figures:
        console.print_line("their figures are the same")
    for what, items in (("added", found.items_added), ("gone", found.items_gone)):
        more = f" and {len(items) - _SHOWN_ITEMS:,} more" if len(items) > _SHOWN_ITEMS else ""
        console.print_line(f"items {what}: {', '.join(items[:_SHOWN_ITEMS]) or 'none'}{more}")


def _delta(change: FigureChange) -> float | int | None:
    both = (change.before, change.after)
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in both):
        return None
    delta: float | int = change.after - change.before
    return delta
