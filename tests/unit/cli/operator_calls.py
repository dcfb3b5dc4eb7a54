"""Check of the calls of commands against the operator's policy."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from local_cloud.permissions.operations import UnknownOperationError
from local_cloud.permissions.policy import RolePolicy
from operations.client.deployment import Deployment
from operations.policies import operator_policy
from tests.fakes.cloud import Call
from tests.unit.cli.shop import KEY, NAMES, REGION
from tests.unit.functions.grants import PLACE, SERVICES, needs_of_call

ROOT = str(Path(__file__).parents[3])
COMMANDS = (f"{ROOT}/operations/", f"{ROOT}/cli/")
OTHERS = (f"{ROOT}/functions/", f"{ROOT}/tests/")
FAKES = f"{ROOT}/tests/fakes/"
DATA_BUCKETS = tuple(f"arn:aws:s3:::{name}" for name in (NAMES.lake_bucket, NAMES.artefact_bucket))


def _no_client(_: str) -> Any:
    raise AssertionError("the policy needs no client")


def _in_region_of_the_table(text: str) -> str:
    return text.replace(f":{REGION}:", f":{PLACE.region}:")


POLICY = RolePolicy(
    json.loads(
        _in_region_of_the_table(
            json.dumps(operator_policy(Deployment("shop", NAMES, _no_client, lambda: KEY, is_local=False)))
        )
    )["Statement"]
)
ACTIONS = {action for statement in POLICY.statements for action in statement.actions}


class RefusedCalls:
    """Observer of a cloud that collects the calls that the policy does not permit.

    It skips buckets of a shop's own files, because the shop decides who reads them. It compares only the actions of KMS
    calls, because it does not know the IDs of keys.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()

    def observe(self, call: Call, error: str | None) -> None:
        if not _is_from_command():
            return
        try:
            needs = needs_of_call(call, error)
        except UnknownOperationError:
            service, _, name = call.operation.partition(".")
            action = f"{SERVICES.get(service, service)}:{name}"
            if action not in ACTIONS:
                self.found.add(action)
            return
        for need in needs:
            need = dataclasses.replace(need, resource=_in_region_of_the_table(need.resource))
            is_foreign = need.resource.startswith("arn:aws:s3:::") and not need.resource.startswith(DATA_BUCKETS)
            permitted = need.action in ACTIONS if need.action.startswith("kms:") else POLICY.decide(need).allowed
            if not (is_foreign or permitted):
                self.found.add(f"{need.action} {need.resource}")


def _is_from_command() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(COMMANDS):
            return True
        if path.startswith(OTHERS) and not path.startswith(FAKES) and path != __file__:
            return False
        frame = frame.f_back
    return False
