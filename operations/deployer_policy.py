"""Least-privilege policy of the identity that runs `alsolike doctor`, `cdk diff` and `cdk deploy`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operations.doctor import ACTIONS


def deployer_policy(directory: Path, *, account: str, partition: str = "aws") -> dict[str, Any]:
    # The CDK's command line only assumes roles of the bootstrap stack. CloudFormation's execution role creates the
    # resources.
    roles = {
        role.replace("${AWS::Partition}", partition).replace("${AWS::AccountId}", account)
        for path in sorted(directory.glob("*.json"))
        if path.name == "manifest.json" or path.name.endswith(".assets.json")
        for role in _roles(json.loads(path.read_bytes()))
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Deploy", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sorted(roles)},
            {"Sid": "Doctor", "Effect": "Allow", "Action": sorted(ACTIONS), "Resource": "*"},
        ],
    }


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "assumeRoleArn":
                yield part
            elif key == "lookupRole":
                yield part["arn"]
            else:
                yield from _roles(part)
    elif isinstance(value, list):
        for part in value:
            yield from _roles(part)
