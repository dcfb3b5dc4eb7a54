"""Deployed stacks, which CloudFormation's API describes and deletes."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from local_cloud.deployment import Clients, Deployment, Resource, stack_id

CREATED, DELETED, FAILED = "CREATE_COMPLETE", "DELETE_COMPLETE", "DELETE_FAILED"


class Stacks:
    """Stacks of a deployment, which `learn` adds.

    As in CloudFormation, a deletion fails if, for example, another stack imports an export, a bucket has objects, or a
    group has model packages. A deletion removes the resource types of `_DELETIONS`, unless the template retains a
    resource. Other resources continue to exist outside of the stack.
    """

    def __init__(self, clients: Clients, *, region: str, account: str) -> None:
        self._clients = clients
        self._region = region
        self._account = account
        self._templates: dict[str, Mapping[str, Any]] = {}
        self._resources: dict[str, list[Resource]] = {}
        self._ids: dict[str, str] = {}
        self._states: dict[str, tuple[str, str]] = {}
        self._created_at = dt.datetime.now(dt.UTC)

    def learn(self, deployment: Deployment) -> None:
        for name, template in deployment.templates.items():
            self._templates[name] = template
            self._resources[name] = [each for each in deployment.resources if each.stack == name]
            self._ids[name] = stack_id(name, region=self._region, account=self._account)
            self._states[name] = (CREATED, "")

    def template(self, name: str) -> str | None:
        stack = self._name(name)
        return None if stack is None else json.dumps(self._templates[stack])

    def describe(self, name: str | None) -> list[dict[str, Any]]:
        """Return a stack, or all existing stacks. A deleted stack is found only by its ID."""
        if name is None:
            found = [stack for stack, (state, _) in self._states.items() if state != DELETED]
        else:
            found = [stack for stack in [self._name(name)] if stack is not None]
        return [
            {
                "StackName": stack,
                "StackId": self._ids[stack],
                "StackStatus": self._states[stack][0],
                "StackStatusReason": self._states[stack][1],
                "CreationTime": self._created_at,
                "EnableTerminationProtection": False,
                "Parameters": {},
                "Tags": {},
            }
            for stack in found
        ]

    def resources(self, name: str) -> list[dict[str, Any]] | None:
        stack = self._name(name)
        if stack is None:
            return None
        return [
            {
                "LogicalResourceId": each.logical_id,
                "PhysicalResourceId": each.physical_id,
                "ResourceType": each.type,
                "ResourceStatus": CREATED,
                "LastUpdatedTimestamp": self._created_at,
            }
            for each in self._resources[stack]
        ]

    def delete(self, name: str) -> bool:
        """Delete a stack by CloudFormation's rules, and return whether it existed.

        If the deletion fails, the status reason of the stack contains the reasons.
        """
        stack = self._name(name)
        if stack is None:
            return False
        reasons = [*self._imported(stack)] or [*self._delete_resources(stack)]
        self._states[stack] = (FAILED, "; ".join(reasons)) if reasons else (DELETED, "")
        return True

    def _name(self, name: str) -> str | None:
        for stack, (state, _) in self._states.items():
            if name == self._ids[stack] or (name == stack and state != DELETED):
                return stack
        return None

    def _imported(self, stack: str) -> Iterator[str]:
        exports = {
            output["Export"]["Name"]
            for output in self._templates[stack].get("Outputs", {}).values()
            if "Export" in output
        }
        for other, (state, _) in self._states.items():
            if other != stack and state != DELETED:
                for export in sorted(exports & set(imports(self._templates[other]))):
                    yield f"Export {export} cannot be deleted as it is in use by {other}"

    def _delete_resources(self, stack: str) -> Iterator[str]:
        template = self._templates[stack]["Resources"]
        left = []
        for resource in reversed(self._resources[stack]):
            kept = template[resource.logical_id].get("DeletionPolicy", "Delete") != "Delete"
            delete = None if kept else _DELETIONS.get(resource.type)
            try:
                if delete is not None:
                    delete(self._clients, resource)
            except ClientError as error:
                left.append(resource)
                yield f"{resource.logical_id}: {error}"
        self._resources[stack] = left[::-1]


def imports(value: Any) -> Iterator[str]:
    """Yield the names of the exports that a part of a template imports."""
    if isinstance(value, list):
        for item in value:
            yield from imports(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Fn::ImportValue" and isinstance(item, str):
                yield item
            else:
                yield from imports(item)


_DELETIONS: Final[Mapping[str, Callable[[Clients, Resource], Any]]] = {
    "AWS::DynamoDB::GlobalTable": lambda clients, each: clients("dynamodb").delete_table(TableName=each.physical_id),
    "AWS::DynamoDB::Table": lambda clients, each: clients("dynamodb").delete_table(TableName=each.physical_id),
    "AWS::Kinesis::Stream": lambda clients, each: clients("kinesis").delete_stream(StreamName=each.physical_id),
    "AWS::Lambda::EventSourceMapping": lambda clients, each: clients("lambda").delete_event_source_mapping(
        UUID=each.physical_id
    ),
    "AWS::S3::Bucket": lambda clients, each: clients("s3").delete_bucket(Bucket=each.physical_id),
    "AWS::SSM::Parameter": lambda clients, each: clients("ssm").delete_parameter(Name=each.physical_id),
    "AWS::SageMaker::ModelPackageGroup": lambda clients, each: clients("sagemaker").delete_model_package_group(
        ModelPackageGroupName=each.properties["ModelPackageGroupName"]
    ),
    "AWS::SecretsManager::Secret": lambda clients, each: clients("secretsmanager").delete_secret(
        SecretId=each.physical_id, ForceDeleteWithoutRecovery=True
    ),
}
