"""boto3 clients for moto's services, and lookups of token keys and schedule states."""

import functools
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.deployment import Clients
from local_cloud.events.scheduler import Scheduled
from local_cloud.settings import ACCOUNT_KEY


def service_clients(endpoint: str, region: str, *, user_agent: str = "", access_key: str = ACCOUNT_KEY) -> Clients:
    """Return a factory of boto3 clients. All threads share the clients."""
    lock = threading.Lock()
    config = Config(
        retries={"max_attempts": 0},
        max_pool_connections=64,
        proxies={},
        s3={"addressing_style": "path"},
        user_agent_extra=user_agent,
    )

    @functools.cache
    def create(service: str) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=config,
            aws_access_key_id=access_key,
            aws_secret_access_key=access_key,
        )

    def client(service: str, /) -> Any:
        with lock:  # boto3's default session is not thread-safe
            return create(service)

    return client


def issuer_keys(issuer: str, *, endpoint: str, region: str, user_agent: str) -> Mapping[str, Any] | None:
    """Return the signing keys of a user pool, or None if the issuer is not a user pool of this cloud."""
    prefix = f"https://cognito-idp.{region}.amazonaws.com/"
    if not issuer.startswith(prefix):
        return None
    url = f"{endpoint}/{issuer.removeprefix(prefix)}/.well-known/jwks.json"
    request = urllib.request.Request(url, headers={"User-Agent": user_agent})  # noqa: S310  moto's own address
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310
            keys: Mapping[str, Any] = json.load(response)
    except urllib.error.HTTPError:
        return None
    return keys


def schedule_enabled(scheduled: Scheduled, *, clients: Clients) -> bool:
    try:
        if scheduled.is_rule:
            bus, _, name = scheduled.arn.partition(":rule/")[2].rpartition("/")
            answer = clients("events").describe_rule(Name=name, EventBusName=bus or "default")
        else:
            group, _, name = scheduled.arn.partition(":schedule/")[2].rpartition("/")
            answer = clients("scheduler").get_schedule(Name=name, GroupName=group or "default")
    except ClientError:
        return False
    return bool(answer.get("State", "ENABLED") == "ENABLED")
