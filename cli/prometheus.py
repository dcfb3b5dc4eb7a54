"""`alsolike prometheus`: configuration of a shop's own Prometheus."""

from __future__ import annotations

import typer

from cli.options import AsJson, Stack, State

app = typer.Typer(no_args_is_help=True, help="Alert rules for your own Prometheus.")


@app.callback()
def _group() -> None:
    """Keep `rules` a command of its own."""


@app.command()
def rules(as_json: AsJson = False, stack: Stack = None, state: State = None) -> None:
    """Print the alert rules, generated from the deployment's alarms.

    Example: alsolike prometheus rules --env prod > alsolike.rules.yml
    """
    import yaml

    from cli import console
    from operations.client import deployment
    from operations.prometheus.rules import deployed_rules

    document = deployed_rules(deployment.resolve(stack=stack, state=state))
    if as_json:
        console.print_json(document)
    else:
        console.print_line(yaml.safe_dump(document, sort_keys=False, width=1_000).rstrip())
