"""moto server over HTTP, and deployments to the server."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from assemblies import write_assembly
from local_cloud.deployer import Deployment, Resource, deploy

ACCOUNT = "123456789012"
REGION = "eu-west-1"


@contextmanager
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass(frozen=True)
class MotoCloud:
    endpoint: str
    directory: Path
    progress: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return _client(service, self.endpoint)

    def deploy(self, assembly: Path) -> Deployment:
        return deploy(assembly, self.client, region=REGION, account=ACCOUNT, progress=self.progress.append)

    def deploy_template(self, template: Mapping[str, Any], *, stack: str = "shop") -> Deployment:
        return self.deploy(write_assembly(self.directory, {stack: template}))

    def create(self, resource_type: str, **properties: Any) -> Resource:
        """Deploy a stack with one resource, whose logical ID is Thing."""
        thing = {"Type": resource_type, "Properties": properties}
        return self.deploy_template({"Resources": {"Thing": thing}}).resources[0]


@functools.cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
