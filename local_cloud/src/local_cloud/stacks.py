"""Deployed stacks, which CloudFormation's API describes and deletes."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from local_cloud.deployment import Clients, Deployment, Resource, stack_id

CREATED, DELETED, FAILED = "CREATE_COMPLETE", "DELETE_COMPLETE", "DELETE_FAILED"


@dataclass
class _DeployedStack:
    name: str
    stack_id: str
    template: Mapping[str, Any]
    resources: list[Resource]
    status: str = CREATED
    reason: str = ""


class Stacks:
    """Stacks of a deployment, which `learn` adds. The other methods return a response, or None for unknown stacks.

    As in CloudFormation, a deletion fails if, for example, another stack imports an export, a bucket has objects, or a
    group has model packages. A deletion removes the resource types of `_DELETIONS`, unless the template retains a
    resource. Other resources continue to exist outside of the stack.
    """

    def __init__(self, clients: Clients, *, region: str, account: str) -> None:
        self._clients = clients
        self._region = region
        self._account = account
        self._stacks: list[_DeployedStack] = []
        self._created_at = dt.datetime.now(dt.UTC)

    def learn(self, deployment: Deployment) -> None:
        for name, template in deployment.templates.items():
            resources = [each for each in deployment.resources if each.stack == name]
            identifier = stack_id(name, region=self._region, account=self._account)
            self._stacks.append(_DeployedStack(name, identifier, template, resources))

    def get_template(self, name: str) -> Any:
        if stack := self._find(name):
            return {"TemplateBody": json.dumps(stack.template), "StagesAvailable": ["Original", "Processed"]}
        return None

    def describe_stacks(self, name: str | None) -> Any:
        """Describe a stack, or all existing stacks. A deleted stack is found only by its ID."""
        found = [stack for stack in self._stacks if stack.status != DELETED] if name is None else [self._find(name)]
        described = [
            {
                "StackName": stack.name,
                "StackId": stack.stack_id,
                "StackStatus": stack.status,
                "StackStatusReason": stack.reason,
                "CreationTime": self._created_at,
                "EnableTerminationProtection": False,
                "Parameters": {},
                "Tags": {},
            }
            for stack in found
            if stack
        ]
        return {"Stacks": described} if described else None

    def list_stack_resources(self, name: str) -> Any:
        if (stack := self._find(name)) is None:
            return None
        resources = [
            {
                "LogicalResourceId": each.logical_id,
                "PhysicalResourceId": each.physical_id,
                "ResourceType": each.type,
                "ResourceStatus": CREATED,
                "LastUpdatedTimestamp": self._created_at,
            }
            for each in stack.resources
        ]
        return {"StackResourceSummaries": resources}

    def delete_stack(self, name: str) -> Any:
        """Delete a stack by CloudFormation's rules. If that fails, the stack's status reason contains the causes."""
        if (stack := self._find(name)) is None:
            return None
        reasons = [*self._imported(stack)] or [*self._delete_resources(stack)]
        stack.status, stack.reason = (FAILED, "; ".join(reasons)) if reasons else (DELETED, "")
        return {}

    def _find(self, name: str) -> _DeployedStack | None:
        for stack in self._stacks:
            if name == stack.stack_id or (name == stack.name and stack.status != DELETED):
                return stack
        return None

    def _imported(self, stack: _DeployedStack) -> Iterator[str]:
        outputs = stack.template.get("Outputs", {}).values()
        exports = {output["Export"]["Name"] for output in outputs if "Export" in output}
        for other in self._stacks:
            if other is not stack and other.status != DELETED:
                for export in sorted(exports & set(imports(other.template))):
                    yield f"Export {export} cannot be deleted as it is in use by {other.name}"

    def _delete_resources(self, stack: _DeployedStack) -> Iterator[str]:
        left = []
        for resource in reversed(stack.resources):
            declared = stack.template["Resources"][resource.logical_id]
            is_kept = declared.get("DeletionPolicy", "Delete") != "Delete"
            delete = None if is_kept else _DELETIONS.get(resource.type)
            try:
                if delete is not None:
                    delete(self._clients, resource)
            except ClientError as error:
                left.append(resource)
                yield f"{resource.logical_id}: {error}"
        stack.resources = left[::-1]


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
