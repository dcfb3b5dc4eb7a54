"""Hand-written cloud assemblies."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_assembly(
    directory: Path,
    stacks: Mapping[str, Mapping[str, Any]],
    *,
    dependencies: Mapping[str, Sequence[str]] | None = None,
    assets: Mapping[str, Mapping[str, Any]] | None = None,
    environment: str = "aws://unknown-account/unknown-region",
) -> Path:
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
            "environment": environment,
            "properties": {"templateFile": f"{stack}.template.json"},
            "dependencies": ["Assets", *(dependencies or {}).get(stack, [])],
        }
    (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return directory


def asset(path: str, *, packaging: str = "file") -> dict[str, Any]:
    destination = {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": path}
    return {"source": {"path": path, "packaging": packaging}, "destinations": {"here": destination}}
