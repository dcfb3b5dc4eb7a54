"""Server of ministack, an implementation of CloudFormation that is independent of the embedded cloud.

It runs in a separate process, because ministack pins another botocore: ``python -m tests.slow.deploy.server PORT``
with ministack's folder in `PYTHONPATH`. ministack accepts wrong properties of many types. So this server first
validates the properties of each resource by the schema of CloudFormation's registry, which cfn-lint ships.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import hypercorn.asyncio
import hypercorn.config
from cfnlint.jsonschema import StandardValidator
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from ministack import app as ministack
from ministack.services import ssm
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as HANDLERS

from tests.slow.deploy.stubs import METRIC_MATH, OPERATIONS, PARAMETERS, TYPES, Stub

REGION, ACCOUNT = "us-east-1", "000000000000"
OURS = "alsolike-"
"""Prefix of the checked stacks. The only other stack is the one of `cdk bootstrap`."""
Properties = dict[str, Any]
Created = tuple[str, dict[str, str]]


def check(resource_type: str, logical_id: str, properties: Properties) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    problems = [
        f"{'/'.join(map(str, problem.path)) or 'properties'}: {problem.message}"
        for problem in StandardValidator(schema).iter_errors(properties)
    ]
    if problems:
        raise ValueError(f"{resource_type} {logical_id}: {'; '.join(problems)}")


def checked(resource_type: str, handlers: dict[str, Any]) -> dict[str, Any]:
    create = handlers["create"]

    def create_valid(logical_id: str, properties: Properties, stack: str) -> Created:
        if stack.startswith(OURS):
            check(resource_type, logical_id, properties)
        created: Created = create(logical_id, properties, stack)
        return created

    valid = {**handlers, "create": create_valid}
    if update := handlers.get("update"):

        def update_valid(physical_id: str, old: Properties, new: Properties, stack: str, *rest: str) -> Created:
            if stack.startswith(OURS):
                check(resource_type, physical_id, new)
            updated: Created = update(physical_id, old, new, stack, *rest)
            return updated

        valid["update"] = update_valid
    return valid


def stubbed(resource_type: str, stub: Stub) -> dict[str, Any]:
    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        check(resource_type, logical_id, properties)
        name = properties.get(stub.name) or f"{stack}-{logical_id}"
        attribute, path = stub.arn or ("Arn", "")
        service = resource_type.split("::")[1].lower()
        return name, {attribute: f"arn:aws:{service}:{REGION}:{ACCOUNT}:{path}{name}"}

    def update(_physical_id: str, _old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
        return create(logical_id, new, stack)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": lambda *_: None}


def with_metric_math(real: dict[str, Any]) -> dict[str, Any]:
    stub = stubbed("AWS::CloudWatch::Alarm", METRIC_MATH)

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        selected = stub if "Metrics" in properties else real
        created: Created = selected["create"](logical_id, properties, stack)
        return created

    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
        selected = stub if "Metrics" in new else real
        updated: Created = selected["update"](physical_id, old, new, stack, logical_id)
        return updated

    return {**real, "create": create, "update": update, "update_with_logical_id": True}


def with_kept_name(real: dict[str, Any]) -> dict[str, Any]:
    """Return handlers that update a table in place. ministack would replace a table without an explicit name."""

    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
        name = {"TableName": physical_id}
        updated: Created = real["update"](physical_id, old | name, new | name, stack)
        return updated

    return {**real, "update": update}


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    operation = dict(scope.get("headers", ())).get(b"x-amz-target", b"").decode()
    if operation not in OPERATIONS:
        await ministack.app(scope, receive, send)
        return
    headers = [(b"content-type", b"application/x-amz-json-1.1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(OPERATIONS[operation].response).encode()})


def main() -> None:
    HANDLERS["AWS::DynamoDB::GlobalTable"] = with_kept_name(HANDLERS["AWS::DynamoDB::GlobalTable"])
    HANDLERS.update({resource_type: checked(resource_type, handlers) for resource_type, handlers in HANDLERS.items()})
    HANDLERS["AWS::CloudWatch::Alarm"] = with_metric_math(HANDLERS["AWS::CloudWatch::Alarm"])
    HANDLERS.update({resource_type: stubbed(resource_type, stub) for resource_type, stub in TYPES.items()})
    ssm._PUBLIC_AMI_PARAMETERS.update({name: stub.value for name, stub in PARAMETERS.items()})
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    asyncio.run(hypercorn.asyncio.serve(app, config))


if __name__ == "__main__":
    main()
