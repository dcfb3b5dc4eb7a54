"""Deployment that a command acts on: one on AWS, or the running embedded cloud.

Both publish the names of their resources as SSM parameters under `/alsolike/<environment>/...`.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alsolike.declarations.parameters import TREE, Names, parameter_name
from alsolike.runtime.client_protocols import ParameterClient
from alsolike.runtime.errors import NotFound, Unavailable
from operations.client.aws import session_clients, translate_aws_errors

if TYPE_CHECKING:
    from local_cloud.client import Cloud
    from operations.keys import KeyPair

STATE_VARIABLE = "ALSOLIKE_STATE"
DEFAULT_STATE = Path(".alsolike/cloud.json")


@dataclasses.dataclass(frozen=True, slots=True)
class Deployment:
    """Names and clients of a deployment.

    `client` returns the botocore client of a service, `key` the key pair of the command line, and `other_region` the
    same deployment in its other region. `certificate` is the file of the API's certificate; None if the system trusts
    it or the API uses HTTP.
    """

    environment: str
    names: Names
    client: Callable[[str], Any]
    key: Callable[[], KeyPair]
    is_local: bool
    certificate: Path | None = None
    other_region: Callable[[], Deployment] | None = None


def resolve(*, stack: str | None, state: Path | None = None) -> Deployment:
    """Return the deployment of the environment `stack` on AWS, else of the embedded cloud with the state file
    `state`.
    """
    return on_aws(stack) if stack else embedded(state or state_path())


def state_path() -> Path:
    return Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)


def options(*, stack: str | None = None, state: Path | None = None) -> tuple[str, ...]:
    """Return the command line options that select the same deployment in another command from the current directory."""
    if stack:
        return ("--env", stack)
    path = state or state_path()
    return () if path == DEFAULT_STATE else ("--state", str(path))


def on_aws(environment: str, *, region: str | None = None) -> Deployment:
    from operations.keys import CommandKey  # Imports botocore, which help texts do not need.

    client = session_clients(environment=environment, region=region)
    names = read_names(client("ssm"), environment)
    other = functools.partial(on_aws, environment, region=names.other_region) if names.other_region else None
    return Deployment(environment, names, client, CommandKey(client, names), is_local=False, other_region=other)


def embedded(state: Path) -> Deployment:
    if not state.is_file():
        raise NotFound(
            f"no embedded cloud runs here ({state} is missing); start one with `alsolike up`, or name a deployment on "
            "AWS with --env"
        )
    from local_cloud.client import Cloud, CloudError

    try:
        return from_cloud(Cloud.attach(state))
    except CloudError as error:
        raise Unavailable(str(error)) from error


def embedded_cloud(state: Path | None) -> Cloud:
    from local_cloud.client import Cloud

    return Cloud.attach(state or state_path())


def from_cloud(cloud: Cloud) -> Deployment:
    from operations.keys import CommandKey

    client = session_clients(embedded=cloud.endpoint, region=cloud.state.region)
    environment, names = only_names(client("ssm"))
    # The API's domain name does not resolve to the embedded cloud.
    names = dataclasses.replace(names, api_domain="", api_url=cloud.state.apis[f"alsolike-{environment}"])
    certificate = Path(cloud.state.certificate) if cloud.state.certificate else None
    return Deployment(
        environment,
        names,
        client,
        CommandKey(client, names),
        is_local=True,
        certificate=certificate,
        other_region=functools.partial(embedded, Path(cloud.state.peer)) if cloud.state.peer else None,
    )


def read_names(ssm: ParameterClient, environment: str) -> Names:
    return _names(_parameters(ssm, f"{TREE}/{environment}"), environment, region=ssm.meta.region_name)


def only_names(ssm: ParameterClient) -> tuple[str, Names]:
    """Return the name and resource names of the only environment in the account and region of `ssm`."""
    parameters = _parameters(ssm, TREE)
    environments = sorted({path.split("/")[2] for path in parameters})
    if len(environments) != 1:
        listed = ", ".join(environments) or "none"
        raise NotFound(f"expected one deployment below the SSM path {TREE}/, found {listed}")
    return environments[0], _names(parameters, environments[0], region=ssm.meta.region_name)


def _names(parameters: Mapping[str, str], environment: str, *, region: str) -> Names:
    root = f"{TREE}/{environment}"
    own = {name: value for name, value in parameters.items() if name.startswith(f"{root}/")}
    if not own:
        raise NotFound(f"there is no deployment {environment!r} in {region}: no SSM parameter exists under {root}/")
    fields = {parameter_name(environment, field.name): field for field in dataclasses.fields(Names)}
    if missing := [name for name in fields if name not in own and fields[name].default is dataclasses.MISSING]:
        raise NotFound(
            f"stack {environment!r} in {region} lacks the SSM parameter {', '.join(missing)}; "
            "deploy it again with this version"
        )
    return Names(**{field.name: own[key] for key, field in fields.items() if key in own})


def _parameters(ssm: ParameterClient, path: str) -> dict[str, str]:
    with translate_aws_errors(f"SSM parameters under {path}/"):
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
        return {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}
