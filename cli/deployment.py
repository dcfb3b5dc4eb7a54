"""Where the verbs act: a deployment on AWS, or the running embedded cloud; both are found in the same way.

A deployment says in its SSM parameter tree `/alsolike/<environment>/...` what its parts are called.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from alsolike.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from local_cloud.client import Cloud

TREE = "/alsolike"
STATE_VARIABLE = "ALSOLIKE_STATE"
DEFAULT_STATE = Path(".alsolike/cloud.json")

WRITE_EVENTS = "alsolike/events.write"
READ_RECOMMENDATIONS = "alsolike/recommendations.read"

_TOKEN_TIMEOUT_S = 10
_RENEW_BEFORE_S = 60
_LOCAL_TOKEN_S = 3600


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """What the parts of a deployment are called; each field is the SSM parameter with `-` for `_`."""

    api_url: str
    token_url: str
    user_pool_id: str
    client_id: str
    issuer: str
    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    catalogue_table: str
    glue_database: str
    glue_table: str
    state_machine_arn: str
    model_package_group: str
    alerts_topic_arn: str
    region: str


@dataclasses.dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment that can be talked to.

    Attributes
    ----------
    environment
        Its name, the NAME of `--stack`.
    client
        Gives the low-level boto3 client of a service.
    token
        Gives an access token with a scope.
    is_local
        Whether it is the embedded cloud.
    """

    environment: str
    names: Names
    client: Callable[[str], Any]
    token: Callable[[str], str]
    is_local: bool


def resolve(*, stack: str | None, state: Path | None = None) -> Deployment:
    """Return the deployment that a verb acts on.

    Parameters
    ----------
    stack
        Name of an environment on AWS; None for the embedded cloud.
    state
        State file of the embedded cloud; by default `ALSOLIKE_STATE`, else `.alsolike/cloud.json` here.

    Raises
    ------
    NotFound
        If there is no such deployment, or it lacks a parameter.
    Unavailable
        If AWS or the embedded cloud does not answer.
    """
    return on_aws(stack) if stack else embedded(state or state_path())


def state_path() -> Path:
    """Return where the embedded cloud that is meant here keeps its state."""
    return Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)


def on_aws(environment: str) -> Deployment:
    """Return a deployment on AWS, found with the usual credentials and region."""
    client = aws_clients()
    names = read_names(client("ssm"), environment)
    return Deployment(environment, names, client, Tokens(ClientCredentials(client, names).fetch), is_local=False)


def embedded(state: Path) -> Deployment:
    """Return the deployment of the embedded cloud whose state file is `state`."""
    if not state.is_file():
        raise NotFound(
            f"no embedded cloud runs here ({state} is missing); start one with `alsolike up`, or name a deployment on "
            "AWS with --stack"
        )
    from local_cloud.client import Cloud, CloudError

    try:
        return of_cloud(Cloud.attach(state))
    except CloudError as error:
        raise Unavailable(str(error)) from error


def of_cloud(cloud: Cloud) -> Deployment:
    """Return the deployment on a running embedded cloud."""
    client = functools.cache(cloud.client)
    environment = only_environment(client("ssm"))
    names = dataclasses.replace(read_names(client("ssm"), environment), api_url=cloud.api_url)
    # The template knows no token endpoint but Cognito's; the embedded cloud signs tokens itself.
    tokens = Tokens(lambda scope: (cloud.token([scope], lifetime_s=_LOCAL_TOKEN_S), _LOCAL_TOKEN_S))
    return Deployment(environment, names, client, tokens, is_local=True)


def read_names(ssm: Any, environment: str) -> Names:
    """Read a deployment's parameter tree.

    Raises
    ------
    NotFound
        Naming the parameters that are missing and the stack.
    Unavailable
        If SSM does not answer.
    """
    root = f"{TREE}/{environment}"
    found = {path.removeprefix(f"{root}/"): value for path, value in _parameters(ssm, root).items()}
    region = ssm.meta.region_name
    if not found:
        raise NotFound(f"there is no deployment {environment!r} in {region}: no SSM parameter stands under {root}/")
    keys = [field.name.replace("_", "-") for field in dataclasses.fields(Names)]
    if missing := [f"{root}/{key}" for key in keys if key not in found]:
        raise NotFound(
            f"stack {environment!r} in {region} lacks the SSM parameter {', '.join(missing)}; "
            "deploy it again with this version"
        )
    return Names(**{key.replace("-", "_"): found[key] for key in keys})


def only_environment(ssm: Any) -> str:
    """Return the name of the one environment that is deployed where `ssm` looks.

    Raises
    ------
    NotFound
        If there is none, or more than one.
    """
    environments = sorted({path.split("/")[2] for path in _parameters(ssm, TREE)})
    if len(environments) != 1:
        found = ", ".join(environments) or "none"
        raise NotFound(f"expected one deployment below the SSM path {TREE}/, found {found}")
    return environments[0]


def aws_clients() -> Callable[[str], Any]:
    """Return a function that gives one client of each service.

    Raises
    ------
    Unavailable
        From the function, if no region is configured.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    session = boto3.Session()
    config = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=16)

    @functools.cache
    def client(service: str) -> Any:
        try:
            return session.client(service, config=config)
        except NoRegionError as error:
            raise Unavailable("no AWS region is configured; set AWS_REGION, or a region in the AWS profile") from error

    return client


class Tokens:
    """Access tokens by scope, kept in memory until shortly before they end.

    Parameters
    ----------
    fetch
        Returns a new token with a scope, and for how many seconds it is good.
    """

    def __init__(self, fetch: Callable[[str], tuple[str, float]]) -> None:
        self._fetch = fetch
        self._tokens: dict[str, tuple[str, float]] = {}

    def __call__(self, scope: str) -> str:
        """Return a token with `scope`."""
        token, ends = self._tokens.get(scope, ("", 0.0))
        if time.monotonic() > ends - _RENEW_BEFORE_S:
            token, lifetime_s = self._fetch(scope)
            self._tokens[scope] = token, time.monotonic() + lifetime_s
        return token


class ClientCredentials:
    """Cognito's client credentials flow.

    Parameters
    ----------
    client
        Gives boto3 clients; Cognito's is asked for the app client's secret.
    names
        Of the deployment whose token endpoint is asked.
    """

    def __init__(self, client: Callable[[str], Any], names: Names) -> None:
        self._client = client
        self._names = names
        self._secret: str | None = None

    def fetch(self, scope: str) -> tuple[str, float]:
        """Return a new token with `scope`, and for how many seconds it is good.

        Raises
        ------
        Unavailable
            If Cognito refuses or does not answer.
        """
        url = self._names.token_url
        basic = base64.b64encode(f"{self._names.client_id}:{self._client_secret()}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - the deployment's own address
            url,
            data=urllib.parse.urlencode({"grant_type": "client_credentials", "scope": scope}).encode(),
            headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TOKEN_TIMEOUT_S) as answer:  # noqa: S310
                document = orjson.loads(answer.read())
            return str(document["access_token"]), float(document["expires_in"])
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:200]
            raise Unavailable(f"{url} refused a token for {scope}: {error.code} {said}") from error
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Unavailable(f"{url} gave no token for {scope}: {error!r}") from error

    def _client_secret(self) -> str:
        if self._secret is None:
            with asking(f"app client {self._names.client_id}"):
                answer = self._client("cognito-idp").describe_user_pool_client(
                    UserPoolId=self._names.user_pool_id, ClientId=self._names.client_id
                )
            self._secret = str(answer["UserPoolClient"]["ClientSecret"])
        return self._secret


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn an AWS client's errors into `Unavailable`, naming what was asked."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"{what}: {error}") from error


def _parameters(ssm: Any, path: str) -> dict[str, str]:
    with asking(f"SSM parameters under {path}/"):
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
        return {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}
