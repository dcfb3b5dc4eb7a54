"""Deletion of a deployment on AWS with all its data."""

from __future__ import annotations

import dataclasses
import graphlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from alsolike.runtime.client_protocols import CloudFormationClient, S3Client
from alsolike.runtime.errors import AlsolikeError, InvalidInput, NotFound, Unavailable
from operations.client.aws import translate_aws_errors

ATTEMPTS = 5
"""Maximum number of attempts to empty and delete a stack. S3 delivers access logs for hours, so an emptied bucket may
get new objects.
"""
POLL_S = 5.0
LONGEST_S = 3_600
"""Maximum wait for a stack. CloudFront takes minutes to delete a distribution."""

_DELETED, _FAILED = "DELETE_COMPLETE", "DELETE_FAILED"
_STORES = {
    "AWS::Cognito::UserPool": "user pool",
    "AWS::DynamoDB::GlobalTable": "table",
    "AWS::KMS::Key": "encryption key",
    "AWS::Kinesis::Stream": "stream",
    "AWS::S3::Bucket": "bucket",
    "AWS::SageMaker::ModelPackageGroup": "model package group",
    "AWS::SecretsManager::Secret": "secret",
}
_IMPORTED = re.compile(r'"Fn::ImportValue": "([^"]+)"')

Clients = Callable[[str], Any]


class StackNotDeleted(AlsolikeError):
    pass


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """Resource that stores data, or KMS key that encrypts data."""

    type: str
    name: str
    kept: bool

    @property
    def kind(self) -> str:
        return _STORES[self.type]


@dataclasses.dataclass(frozen=True, slots=True)
class StackPlan:
    name: str
    id: str
    stores: tuple[Store, ...]

    def deleted(self, resource_type: str) -> list[str]:
        return [store.name for store in self.stores if store.type == resource_type and not store.kept]


def read_plan(clients: Clients, environment: str) -> list[StackPlan]:
    """Return the stacks in deletion order."""
    cloudformation = clients("cloudformation")
    with translate_aws_errors("CloudFormation"):
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        stacks = {
            description["StackName"]: description
            for page in pages
            for description in page["Stacks"]
            # The part after the last hyphen is the stack's own name, so `alsolike-shop-2-data` belongs to the
            # environment `shop-2`.
            if description["StackName"].rpartition("-")[0] == f"alsolike-{environment}"
        }
        if not stacks:
            raise NotFound(f"there is no deployment {environment!r}: no stack is named alsolike-{environment}-…")
        if protected := sorted(
            name for name, description in stacks.items() if description.get("EnableTerminationProtection")
        ):
            raise InvalidInput(
                f"{', '.join(protected)}: protected from deletion by the setting removal_policy (retain) or "
                "stack_protection. End the protection with: aws cloudformation update-termination-protection "
                f"--no-enable-termination-protection --stack-name {protected[0]}"
            )
        templates = {name: _template(cloudformation, name) for name in stacks}
        resources = {name: list(_resources(cloudformation, name)) for name in stacks}
    return [
        StackPlan(name, stacks[name]["StackId"], tuple(_stores(resources[name], templates[name])))
        for name in deletion_order(templates)
    ]


def plan_lines(plan: Sequence[StackPlan]) -> list[str]:
    lines = ["deleted with all contents, in this order:"]
    for stack in plan:
        lines.append(f"  stack {stack.name}")
        lines += [f"    {store.kind} {store.name}" for store in stack.stores if not store.kept]
    if kept := [store for stack in plan for store in stack.stores if store.kept]:
        lines += ["kept, and billed:", *(f"  {store.kind} {store.name}" for store in kept)]
    return lines


def tear_down(
    clients: Clients,
    plan: Sequence[StackPlan],
    *,
    on_step: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    for stack in plan:
        on_step(f"deleting {stack.name}")
        with translate_aws_errors(f"stack {stack.name}"):
            for attempt in range(ATTEMPTS):
                _empty(clients, stack)
                status, reason = _delete(clients("cloudformation"), stack, sleep)
                if status == _DELETED:
                    break
                on_step(f"{stack.name}: {reason}")
                sleep(POLL_S * 2**attempt)
            else:
                raise StackNotDeleted(f"stack {stack.name}: {reason}; fix the cause and repeat the command")


def deletion_order(templates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sort the stacks. Each stack precedes the stacks whose exports it imports."""
    exporters = {
        output["Export"]["Name"]: name
        for name, template in templates.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    importers: dict[str, set[str]] = {name: set() for name in sorted(templates)}
    for name in importers:
        for export in _IMPORTED.findall(json.dumps(templates[name])):
            if (exporter := exporters.get(export)) is not None:
                importers[exporter].add(name)
    return list(graphlib.TopologicalSorter(importers).static_order())


def empty_bucket(s3: S3Client, bucket: str) -> int:
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for version in page.get(kind, ())
        ]
        if versions:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
            if errors := answer.get("Errors"):
                raise Unavailable(f"bucket {bucket}: {errors[0]['Key']}: {errors[0]['Message']}")
            count += len(versions)
    return count


def _empty(clients: Clients, stack: StackPlan) -> None:
    """Remove the contents that would prevent CloudFormation from deleting the stack."""
    s3, sagemaker = clients("s3"), clients("sagemaker")
    buckets = [name for name in stack.deleted("AWS::S3::Bucket") if _exists(s3, name)]
    for bucket in buckets:
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    for bucket in buckets:
        empty_bucket(s3, bucket)
    for group in stack.deleted("AWS::SageMaker::ModelPackageGroup"):
        name = group.rpartition("/")[2]
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=name)
        for package in [summary for page in pages for summary in page["ModelPackageSummaryList"]]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])


def _exists(s3: S3Client, bucket: str) -> bool:
    # An earlier attempt may have deleted the bucket.
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def _delete(cloudformation: CloudFormationClient, stack: StackPlan, sleep: Callable[[float], None]) -> tuple[str, str]:
    """Delete a stack and wait for the end. Return the final status and its reason."""
    cloudformation.delete_stack(StackName=stack.id)
    for _ in range(int(LONGEST_S / POLL_S)):
        (description,) = cloudformation.describe_stacks(StackName=stack.id)["Stacks"]
        if description["StackStatus"] in (_DELETED, _FAILED):
            return description["StackStatus"], description.get("StackStatusReason", "CloudFormation gives no reason")
        sleep(POLL_S)
    return _FAILED, f"not deleted within {LONGEST_S} s"


def _template(cloudformation: CloudFormationClient, stack: str) -> Mapping[str, Any]:
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template


def _resources(cloudformation: CloudFormationClient, stack: str) -> Iterator[Mapping[str, Any]]:
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        yield from page["StackResourceSummaries"]


def _stores(resources: Sequence[Mapping[str, Any]], template: Mapping[str, Any]) -> Iterator[Store]:
    for resource in resources:
        if resource["ResourceType"] in _STORES and resource.get("ResourceStatus") != _DELETED:
            policy = template["Resources"][resource["LogicalResourceId"]].get("DeletionPolicy", "Delete")
            yield Store(resource["ResourceType"], resource["PhysicalResourceId"], policy != "Delete")
