"""Commands `alsolike up`, `down` and `reset` for the embedded cloud and its data, and `alsolike destroy` for AWS."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from typer import Option

from alsolike.runtime.errors import Unavailable
from cli import terminal
from cli.next_steps import curl_lines, step_lines
from cli.options import DEFAULT_DATA, Data, Environment, State, Yes, confirm
from local_cloud.settings import DEFAULT_MODE
from operations import embedded_cloud
from operations.client import deployment as deployments
from operations.client.aws import session_clients
from operations.client.background import Background
from operations.client.deployment import Deployment
from operations.pages import page_lines


class Permissions(StrEnum):
    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


def up(
    stack: Environment = "demo",
    port: Annotated[
        int | None, Option(min=1, max=65500, help="First port of the cloud.", show_default="4600, else free ports")
    ] = None,
    tls: Annotated[bool, Option("--tls", help="Serve the API and the pages over HTTPS.")] = False,
    data: Data = DEFAULT_DATA,
    ephemeral: Annotated[bool, Option("--ephemeral", help="Delete all data at the end.")] = False,
    permissions: Annotated[
        Permissions | None,
        Option(
            help="Refuse requests without permission, only show them in `alsolike status`, or check none.",
            show_default=DEFAULT_MODE,
        ),
    ] = None,
    state: State = None,
) -> None:
    """Start the embedded cloud and keep it up.

    Deploy the CDK app, and stop with Ctrl-C or `alsolike down`. The next start continues with the stored data.

    Example: alsolike up --data shop
    """
    state = state or deployments.state_path()
    embedded_cloud.claim(state, reach=deployments.options(state=state))
    has_booted = not ephemeral and embedded_cloud.check_data(data)
    first_port = embedded_cloud.first_port(port, has_booted=has_booted)
    with contextlib.ExitStack() as resources:
        stopped = threading.Event()
        pages = Background(lambda: embedded_cloud.build_pages(stopped))
        resources.callback(pages.wait)  # `stop_builds` runs first, because callbacks run in reverse order.
        resources.callback(embedded_cloud.stop_builds, stopped)
        embedded_cloud.build_layers()
        assembly = embedded_cloud.synthesize(stack)
        cloud = resources.enter_context(
            embedded_cloud.running_cloud(
                assembly,
                state=state,
                port=first_port,
                tls=tls,
                data=None if ephemeral else data,
                permissions=permissions.value if permissions else None,
            )
        )
        deployment = deployments.from_cloud(cloud)
        pages.result()
        embedded_cloud.publish_pages(deployment)
        terminal.print_line(f"AWS endpoint  {cloud.endpoint}")
        if deployment.certificate:
            terminal.print_line(
                f"certificate   {deployment.certificate} (clients must trust it: AWS_CA_BUNDLE, --cacert)"
            )
        terminal.print_lines((*page_lines(deployment), f"HTTP API      {deployment.names.api_url}"))
        terminal.print_line(f"data          {'not kept (--ephemeral)' if ephemeral else data}")
        terminal.print_line("Next, in another terminal (Ctrl-C here stops the cloud):")
        terminal.print_lines(f"  {line}" for line in step_lines(deployment, reach=deployments.options(state=state)))
        embedded_cloud.wait_for_interrupt(cloud)


def down(state: State = None) -> None:
    """Stop the embedded cloud of `alsolike up` or `alsolike demo`.

    Example: alsolike down
    """
    from local_cloud.client import Cloud, CloudError
    from local_cloud.state import CloudState

    path = state or deployments.state_path()
    if not CloudState.is_running(path):
        terminal.say(f"no embedded cloud runs here ({path})")
        return
    try:
        Cloud.attach(path).stop()
    except CloudError as error:
        raise Unavailable(str(error)) from error
    terminal.say("the embedded cloud has stopped")


def reset(data: Data = DEFAULT_DATA, yes: Yes = False) -> None:
    """Delete the data of the embedded cloud.

    The next `alsolike up` starts empty.

    Example: alsolike reset --yes
    """
    confirm(f"Delete all data of the embedded cloud in {data}?", yes=yes)
    deleted = embedded_cloud.delete_data(data)
    terminal.say(f"deleted {data}" if deleted else f"there is no data in {data}")


def destroy(
    stack: Annotated[str, Option("--env", "-e", "--stack", metavar="NAME", help="Deployment on AWS to delete.")],
    yes: Yes = False,
) -> None:
    """Delete a deployment on AWS with all its data.

    Resources with the removal policy `retain` stay. Repeat the command after an interruption. To stop the embedded
    cloud, run `alsolike down`.

    Example: alsolike destroy --env dev
    """
    from operations import deletion

    clients = session_clients(environment=stack)
    plan = deletion.read_plan(clients, stack)
    terminal.print_lines(deletion.plan_lines(plan))
    if not yes and typer.prompt(f"This cannot be undone. Type {stack} to delete it", err=True) != stack:
        raise typer.Abort
    deletion.tear_down(clients, plan, on_step=terminal.say)
    terminal.say(f"{stack} is deleted")


def api_lines(deployment: Deployment, *, user_id: str, item_id: str, reach: Sequence[str]) -> list[str]:
    """Return the URLs of pages and API, API calls for a shell, and a command that recommends to the user."""
    return [
        *page_lines(deployment),
        f"HTTP API      {deployment.names.api_url}",
        *curl_lines(deployment, user_id=user_id, item_id=item_id, reach=reach),
        terminal.call("recommend", "--user", user_id, *reach),
    ]
