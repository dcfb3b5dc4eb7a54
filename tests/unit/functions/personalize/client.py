"""boto3's client of the control plane. An administrator's key signs its requests."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from alsolike.signing.key_pairs import SigningKey, encryption_context
from functions.personalize import handler
from tests.builders.lambda_events import LambdaContext
from tests.builders.personalize_clients import personalize_client
from tests.builders.signed_requests import KEY_ID, NOW_S, SECRET, sign
from tests.fakes.places import create_table

PREFIX = "arn:aws:personalize:eu-west-1:123456789012"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:training"
IMPORTS = "arn:aws:states:eu-west-1:123456789012:stateMachine:imports"
BATCHES = "arn:aws:states:eu-west-1:123456789012:stateMachine:batches"
GROUP = "models"
AVRO = json.dumps(
    {"type": "record", "name": "Items", "fields": [{"name": "ITEM_ID", "type": "string"}], "version": "1.0"}
)


@dataclasses.dataclass
class Clock:
    now_s: float = NOW_S


def deploy(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    keys = create_table(aws("dynamodb"), "keys", key="key_id")
    aws("dynamodb").create_table(
        TableName="resources",
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
        BillingMode="PAY_PER_REQUEST",
    )
    kms_key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    secret = aws("kms").encrypt(KeyId=kms_key, Plaintext=SECRET.encode(), EncryptionContext=encryption_context(KEY_ID))
    key = SigningKey(KEY_ID, "ci", secret["CiphertextBlob"], ("alsolike/admin",), created_ms=0)
    aws("dynamodb").put_item(TableName=keys, Item=key.to_item())
    aws("ssm").put_parameter(Name="/batches", Value=BATCHES, Type="String")
    for machine in (MACHINE, IMPORTS, BATCHES):
        name = machine.rpartition(":")[2]
        aws("stepfunctions").create_state_machine(name=name, definition="{}", roleArn="role")
    aws("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    for variable, value in {
        "KEYS_TABLE": keys,
        "RESOURCES_TABLE": "resources",
        "ARN_PREFIX": PREFIX,
        "TRACKING_ID": "alsolike-shop",
        "MODEL_PACKAGE_GROUP": GROUP,
        "STATE_MACHINE_ARN": MACHINE,
        "IMPORT_STATE_MACHINE_ARN": IMPORTS,
        "BATCH_STATE_MACHINE_PARAMETER": "/batches",
        "BATCH_BUCKETS": "uploads",
        "IMPORT_BUCKETS": "uploads more-uploads",
    }.items():
        monkeypatch.setenv(variable, value)


def client_at(clock: Clock) -> Any:
    """Return a boto3 client with requests that are signed at the time of a clock and handled by the function."""

    def handle(request: Any) -> dict[str, Any]:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        event = sign(url="https://api.example/personalize", body=body, at_s=clock.now_s, x_amz_target=target)
        return handler.lambda_handler(event, LambdaContext())

    return personalize_client("personalize", handle)


def raw(operation: str, body: str) -> dict[str, Any]:
    """Return the response to a request that boto3 would not send."""
    event = sign(url="https://api.example/personalize", body=body, x_amz_target=f"AmazonPersonalize.{operation}")
    return handler.lambda_handler(event, LambdaContext())


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def make_group(personalize: Any) -> tuple[str, str]:
    schema = personalize.create_schema(name="shop-interactions", schema=AVRO)["schemaArn"]
    return personalize.create_dataset_group(name="shop")["datasetGroupArn"], schema


def make_dataset(personalize: Any, dataset_type: str = "ITEMS", *, schema: str = "shop-interactions") -> str:
    arns = {"schemaArn": f"{PREFIX}:schema/{schema}", "datasetGroupArn": f"{PREFIX}:dataset-group/shop"}
    arn: str = personalize.create_dataset(name="i", datasetType=dataset_type, **arns)["datasetArn"]
    return arn
