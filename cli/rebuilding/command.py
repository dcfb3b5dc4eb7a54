"""`alsolike rebuild`: what the lake can give back, given back."""

from __future__ import annotations

import time

import typer

from cli.options import AsJson, Stack, State

app = typer.Typer(
    no_args_is_help=True,
    help="Make profiles, catalogue, snapshot or dataset anew from the lake.",
)


@app.command("profiles")
def profiles(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Add to the live profiles whatever the lake knows and they do not.

    After the loss of the profile table this brings all of it back; on an intact one it changes nothing. Events that
    come meanwhile are kept. It can be interrupted and repeated.
    """
    from cli import console, deployment
    from cli.rebuilding.writing import rebuild_profiles

    started = time.monotonic()
    written = rebuild_profiles(deployment.resolve(stack=stack, state=state), now_ms=time.time_ns() // 1_000_000)
    if as_json:
        console.print_json({"profiles": written, "duration_s": time.monotonic() - started})
    else:
        console.print_line(f"{written:,} profiles hold all that the lake says")
