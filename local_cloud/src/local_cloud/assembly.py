"""Reader of a CDK cloud assembly: stacks in order of dependency, and file assets."""

import graphlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.deployment import DeploymentError

_STACK = "aws:cloudformation:stack"
_ASSETS = "cdk:asset-manifest"
_NESTED = "cdk:cloud-assembly"
# Information from the CDK that is not deployed.
_INFORMATION = {"cdk:tree", "cdk:feature-flag-report"}
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class FileAsset:
    """File or directory that templates expect in S3. `bucket` and `key` may contain `${...}` placeholders."""

    source: Path
    packaging: str
    bucket: str
    key: str

    def content(self) -> bytes:
        """Return the content of the S3 object. A directory becomes a zip file with reproducible bytes."""
        if self.packaging != "zip" or not self.source.is_dir():
            return self.source.read_bytes()
        buffer = io.BytesIO()
        # Uncompressed, because the file is not sent over a network.
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(self.source.rglob("*")):
                if path.is_file():
                    entry = zipfile.ZipInfo(path.relative_to(self.source).as_posix(), _ZIP_EPOCH)
                    entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
                    archive.writestr(entry, path.read_bytes())
        return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Stack:
    """Stack of the assembly. `region` and `account` are None if the app does not specify them."""

    name: str
    template: Mapping[str, Any]
    assets: tuple[FileAsset, ...]
    account: str | None
    region: str | None


def read_assembly(directory: Path) -> tuple[Stack, ...]:
    """Return the stacks of an assembly. Each stack follows the stacks that it depends on."""
    artifacts = {name: (path, artifact) for path, name, artifact in _artifacts(directory)}
    graph = {name: artifact.get("dependencies", []) for name, (_, artifact) in artifacts.items()}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        # graphlib lists a cycle from the dependency to the dependent stack.
        cycle = " -> ".join(reversed(error.args[1]))
        raise DeploymentError(f"circular dependency between stacks: {cycle}") from error
    return tuple(
        _stack(name, artifacts) for name in order if name in artifacts and artifacts[name][1]["type"] == _STACK
    )


def _artifacts(directory: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    manifest = _json(directory / "manifest.json", expected="the manifest of a CDK cloud assembly")
    for name, artifact in sorted(manifest.get("artifacts", {}).items()):
        kind = artifact.get("type")
        if kind == _NESTED:
            yield from _artifacts(directory / artifact["properties"]["directoryName"])
        elif kind in (_STACK, _ASSETS):
            yield directory, name, artifact
        elif kind not in _INFORMATION:
            raise DeploymentError(f"{directory / 'manifest.json'}: artifact {name} has unknown type {kind}")


def _stack(name: str, artifacts: Mapping[str, tuple[Path, Mapping[str, Any]]]) -> Stack:
    directory, artifact = artifacts[name]
    properties = artifact["properties"]
    account, region = _environment(artifact.get("environment", ""))
    assets = [
        asset
        for dependency in artifact.get("dependencies", [])
        if dependency in artifacts and artifacts[dependency][1]["type"] == _ASSETS
        for asset in _file_assets(artifacts[dependency][0], artifacts[dependency][1]["properties"]["file"])
    ]
    return Stack(
        name=properties.get("stackName", name),
        template=_json(directory / properties["templateFile"], expected=f"the template of stack {name}"),
        assets=tuple(assets),
        account=account,
        region=region,
    )


def _environment(environment: str) -> tuple[str | None, str | None]:
    """Split `aws://account/region`. A part that the app does not specify, such as ``unknown-account``, is None."""
    account, _, region = environment.removeprefix("aws://").partition("/")
    known = {name: None if not name or name.startswith("unknown-") else name for name in (account, region)}
    return known[account], known[region]


def _file_assets(directory: Path, file: str) -> Iterator[FileAsset]:
    manifest = _json(directory / file, expected="an asset manifest")
    if images := manifest.get("dockerImages"):
        raise DeploymentError(f"{directory / file}: container images cannot be deployed here: {sorted(images)}")
    for asset_id, asset in sorted(manifest.get("files", {}).items()):
        source = asset["source"]
        if "path" not in source:
            raise DeploymentError(f"{directory / file}: asset {asset_id} has no path: it is made by a command")
        for destination in asset["destinations"].values():
            yield FileAsset(
                source=directory / source["path"],
                packaging=source.get("packaging", "file"),
                bucket=destination["bucketName"],
                key=destination["objectKey"],
            )


def _json(path: Path, *, expected: str) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DeploymentError(f"{path} does not exist; it should be {expected}") from error
    except ValueError as error:
        raise DeploymentError(f"{path} is not JSON; it should be {expected}: {error}") from error
    return content
