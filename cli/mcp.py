"""Command `alsolike mcp`: recommendations for AI agents over the Model Context Protocol."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.observability import AGENT_HEADER, correlation_id_of
from operations.extras import require

if TYPE_CHECKING:
    from operations.client.signed_api import SignedApi

_REQUIRED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME")


def mcp(
    user: Annotated[
        str | None, Option(metavar="ID", help="User of all calls; over HTTP, the header x-alsolike-user replaces it.")
    ] = None,
    metadata: Annotated[
        list[str] | None, Option("--metadata", metavar="COLUMN", help="Column of the catalogue in items; repeatable.")
    ] = None,
    agent: Annotated[str, Option(metavar="NAME", help="Name of the agent in logs and the lake.")] = "mcp",
    http: Annotated[bool, Option("--http", help="Serve HTTP instead of standard input and output.")] = False,
    host: Annotated[str, Option(help="Address for HTTP.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65_535, help="Port for HTTP; the path is /mcp.")] = 8000,
) -> None:
    """Serve recommendations to AI agents (MCP).

    The command is a server of the Model Context Protocol with the tools search, recommend, similar, complete_cart and
    explain. It needs the variables of a key pair, and no access to AWS. The API keeps these requests out of training.
    HTTP has no authentication: put the shop's own gateway in front of it.

    Example: eval "$(alsolike keys create assistant --access read)"; alsolike mcp --user 42 --metadata TITLE
    """
    require("mcp")
    from operations.mcp_server import server

    api = _api(agent)
    serving = server(api, metadata=metadata or [], user=user, version=version("alsolike"))
    if http:
        serving.run("streamable-http", host=host, port=port, json_response=True, stateless_http=True)
    else:
        serving.run("stdio")


def _api(agent: str) -> SignedApi:
    from operations.client.signed_api import SignedApi
    from operations.keys import KeyPair

    if correlation_id_of(agent) is None:
        raise InvalidInput(f"--agent is {agent!r}, expected 1 to 64 letters, digits or any of . _ = : -")
    if missing := [name for name in _REQUIRED if not os.environ.get(name)]:
        raise InvalidInput(
            f"the variables {', '.join(missing)} are missing; "
            'set them with `eval "$(alsolike keys create assistant --access read)"`'
        )
    key_id, secret, region, endpoint = (os.environ[name] for name in _REQUIRED)
    certificate = os.environ.get("AWS_CA_BUNDLE")
    return SignedApi(
        endpoint.rstrip("/").removesuffix(SIGNED_PREFIX),
        lambda: KeyPair(key_id, secret),
        region=region,
        certificate=Path(certificate) if certificate else None,
        headers={AGENT_HEADER: agent},
    )
