"""`alsolike demo`: the main job, from a clone to recommendations."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AsJson, State


def demo(
    keep_running: Annotated[bool, typer.Option("--keep-running", help="Leave the API up until Ctrl-C.")] = False,
    users: Annotated[
        int | None, typer.Option(min=50, help="Households, for a smaller run.", show_default="all")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole loop on a year of a grocer's purchases: events in, model trained, recommendations out.

    The data is The Complete Journey, which its publisher calls simulated from real shopping patterns. Its times are
    moved by whole weeks to end now, and its last days are replayed as live events. Everything stays in .alsolike/demo.
    """
    from cli import console, deployment
    from cli.demo.run import DIRECTORY, Demo, DemoFailed
    from cli.demo.summary import Summary, show
    from cli.up import api_lines, wait_for_interrupt

    path = DIRECTORY / "summary.json"
    run = Demo(state=state or deployment.state_path(), users=users)
    run.summary.files["summary"] = str(path)

    def report(summary: Summary) -> None:
        summary.write(path)
        if as_json:
            console.print_json(summary.document())
        else:
            show(summary)

    try:
        with run.running() as where:
            report(run.summary)
            if keep_running:
                shopper = run.summary.shopper()
                user_id, item_id = ("1", "1") if shopper is None else (shopper.user_id, shopper.after.answered[0])
                reach = deployment.options(state=state)
                for line in api_lines(where, user_id=user_id, item_id=item_id, reach=reach):
                    console.say(line)
                look = console.call("status", *reach)
                console.say(f"the same verbs work from another terminal, `{look}` first; Ctrl-C stops it all")
                wait_for_interrupt(run.cloud)
    except BaseException as error:  # an interruption too: the summary says why it is not whole
        run.summary.error = str(error) or type(error).__name__
        run.summary.write(path)
        raise
    failed = [check.name for check in run.summary.checks if not check.passed]
    if failed:
        raise DemoFailed(f"the demo ran, but not so: {'; '.join(failed)} ({path} has the details)")
    console.say(f"everything as it should be; {path} has the figures")
    further = (console.call("demo", "--keep-running"), console.call("up"), console.call("--help"))
    console.say(f"go on with: {', '.join(further)}")
