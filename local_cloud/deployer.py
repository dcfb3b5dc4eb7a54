"""Deploys a CDK cloud assembly through boto3, strictly: what it cannot do faithfully is an error."""

from collections.abc import Callable
from pathlib import Path

from local_cloud.deployment import Clients, Deployment, DeploymentError, Resource

__all__ = ["Clients", "Deployment", "DeploymentError", "Resource", "deploy"]


def _say_nothing(_: str) -> None:
    return None


def deploy(
    assembly: Path,
    clients: Clients,
    *,
    region: str,
    account: str,
    progress: Callable[[str], None] = _say_nothing,
) -> Deployment:
    """Deploy every stack of `assembly`; `progress` hears one line a resource."""
    raise NotImplementedError
