"""A moto server over HTTP and hand-written cloud assemblies to deploy to it."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

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
    """An empty cloud, and the directory that its assemblies are written to."""

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
        """Deploy a stack of one resource, whose logical id is Thing."""
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


def write_assembly(
    directory: Path,
    stacks: Mapping[str, Mapping[str, Any]],
    *,
    dependencies: Mapping[str, Sequence[str]] | None = None,
    assets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write an assembly of `stacks`, all of which share the asset manifest's `assets`."""
    artifacts: dict[str, Any] = {
        "Assets": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}},
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "assets.json").write_text(json.dumps({"files": assets or {}}))
    for stack, template in stacks.items():
        (directory / f"{stack}.template.json").write_text(json.dumps(template))
        artifacts[stack] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{stack}.template.json"},
            "dependencies": ["Assets", *(dependencies or {}).get(stack, [])],
        }
    (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return directory


def asset(path: str, *, packaging: str = "file") -> dict[str, Any]:
    """Return a file of an asset manifest, whose key in S3 is its path."""
    destination = {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": path}
    return {"source": {"path": path, "packaging": packaging}, "destinations": {"here": destination}}
