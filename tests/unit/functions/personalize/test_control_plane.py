"""The control plane as an unchanged boto3 client sees it."""

from __future__ import annotations

import dataclasses
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from alsolike.domain.aliases import RECIPES
from alsolike.domain.control_plane import EMPTY_LISTS, RECORDED, REFUSED
from alsolike.signing.keys import SigningKey, encryption_context
from functions.personalize import handler
from functions.personalize.resources import KINDS
from functions.personalize.service import ControlPlane
from functions.personalize.store import DELETING_MS, ResourceStore
from tests.builders.lambda_events import LambdaContext
from tests.builders.signed_requests import KEY_ID, NOW_S, SECRET, sign
from tests.fakes.places import create_table

PREFIX = "arn:aws:personalize:eu-west-1:123456789012"
AVRO = json.dumps({"type": "record", "name": "Interactions", "fields": [], "version": "1.0"})


class RawBody(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@dataclasses.dataclass
class Clock:
    now_s: float = NOW_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now_s)
    monkeypatch.setattr(time, "time_ns", lambda: int(clock.now_s * 1e9))
    return clock


@pytest.fixture
def personalize(aws: Callable[[str], Any], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return boto3's client, whose requests a key of an administrator signs."""
    keys = create_table(aws("dynamodb"), "keys", key="key_id")
    aws("dynamodb").create_table(
        TableName="resources",
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
        BillingMode="PAY_PER_REQUEST",
    )
    kms_key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    secret = aws("kms").encrypt(KeyId=kms_key, Plaintext=SECRET.encode(), EncryptionContext=encryption_context(KEY_ID))[
        "CiphertextBlob"
    ]
    key = SigningKey(KEY_ID, "ci", secret, ("alsolike/admin",), created_ms=0)
    aws("dynamodb").put_item(TableName=keys, Item=key.to_item())
    monkeypatch.setenv("KEYS_TABLE", keys)
    monkeypatch.setenv("RESOURCES_TABLE", "resources")
    monkeypatch.setenv("ARN_PREFIX", PREFIX)
    monkeypatch.setenv("TRACKING_ID", "alsolike-shop")

    def answer(request: Any, **_: Any) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        event = sign(url="https://api.example/personalize", body=body, at_s=clock.now_s, x_amz_target=target)
        result = handler.lambda_handler(event, LambdaContext())
        return AWSResponse(request.url, result["statusCode"], result["headers"], RawBody(result["body"].encode()))

    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    client = session.client("personalize")
    client.meta.events.register_first("before-send", answer)
    return client


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def make_group(personalize: Any) -> tuple[str, str]:
    """Return the ARNs of a dataset group and a schema."""
    schema = personalize.create_schema(name="shop-interactions", schema=AVRO)["schemaArn"]
    return personalize.create_dataset_group(name="shop")["datasetGroupArn"], schema


def test_resources_have_the_arns_of_personalize(personalize: Any) -> None:
    group, schema = make_group(personalize)
    dataset = personalize.create_dataset(
        name="interactions", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
    )["datasetArn"]
    solution = personalize.create_solution(
        name="for-you", datasetGroupArn=group, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization"
    )["solutionArn"]
    tracker = personalize.create_event_tracker(name="tracker", datasetGroupArn=group)

    assert (schema, group) == (f"{PREFIX}:schema/shop-interactions", f"{PREFIX}:dataset-group/shop")
    assert dataset == f"{PREFIX}:dataset/shop/INTERACTIONS"
    assert solution == f"{PREFIX}:solution/for-you"
    assert tracker["eventTrackerArn"].startswith(f"{PREFIX}:event-tracker/")
    assert tracker["trackingId"] == "alsolike-shop"


def test_descriptions_are_active_with_what_the_request_said(personalize: Any) -> None:
    group, schema = make_group(personalize)
    arn = personalize.create_dataset(name="i", schemaArn=schema, datasetGroupArn=group, datasetType="ITEMS")[
        "datasetArn"
    ]

    assert personalize.describe_schema(schemaArn=schema)["schema"]["schema"] == AVRO
    assert personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] == "ACTIVE"
    dataset = personalize.describe_dataset(datasetArn=arn)["dataset"]
    assert (dataset["name"], dataset["datasetType"], dataset["schemaArn"]) == ("i", "ITEMS", schema)
    assert dataset["creationDateTime"].timestamp() == NOW_S


def test_arns_of_another_account_name_the_same(personalize: Any) -> None:
    make_group(personalize)

    found = personalize.describe_dataset_group(datasetGroupArn="arn:aws:personalize:us-west-2:999:dataset-group/shop")

    assert found["datasetGroup"]["datasetGroupArn"] == f"{PREFIX}:dataset-group/shop"


def test_lists_are_paged_and_of_a_group(personalize: Any) -> None:
    group, schema = make_group(personalize)
    for name in ("a", "b", "c"):
        personalize.create_schema(name=name, schema=AVRO)
    personalize.create_dataset(name="i", schemaArn=schema, datasetGroupArn=group, datasetType="ITEMS")

    first = personalize.list_schemas(maxResults=3)
    rest = personalize.list_schemas(maxResults=3, nextToken=first["nextToken"])

    assert [one["name"] for one in (*first["schemas"], *rest["schemas"])] == ["a", "b", "c", "shop-interactions"]
    assert "nextToken" not in rest
    assert [one["datasetType"] for one in personalize.list_datasets(datasetGroupArn=group)["datasets"]] == ["ITEMS"]
    assert personalize.list_datasets(datasetGroupArn=f"{group}x")["datasets"] == []
    assert refusal(personalize.list_schemas, nextToken="x") == "InvalidNextTokenException"


def test_recipes_are_those_with_a_recommender(personalize: Any) -> None:
    found = personalize.list_recipes()["recipes"]
    shop = personalize.list_recipes(domain="ECOMMERCE")["recipes"]

    assert {recipe["name"] for recipe in found} == set(RECIPES)
    assert {recipe["name"] for recipe in shop} == {name for name in RECIPES if "-ecomm-" in name}
    arn = found[0]["recipeArn"]
    assert personalize.describe_recipe(recipeArn=arn)["recipe"]["recipeArn"] == arn
    assert refusal(personalize.describe_recipe, recipeArn=f"{arn}x") == "ResourceNotFoundException"


def test_a_deletion_is_visible_for_a_minute(personalize: Any, clock: Clock) -> None:
    _, schema = make_group(personalize)
    group = f"{PREFIX}:dataset-group/shop"

    personalize.delete_dataset_group(datasetGroupArn=group)

    assert personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] == "DELETE IN_PROGRESS"
    assert refusal(personalize.create_dataset_group, name="shop") == "ResourceAlreadyExistsException"
    clock.now_s += DELETING_MS / 1000
    assert refusal(personalize.describe_dataset_group, datasetGroupArn=group) == "ResourceNotFoundException"
    assert personalize.list_dataset_groups()["datasetGroups"] == []
    clock.now_s += 1
    assert personalize.create_dataset_group(name="shop")["datasetGroupArn"] == group
    personalize.delete_schema(schemaArn=schema)


def test_used_resources_are_not_deleted(personalize: Any) -> None:
    group, schema = make_group(personalize)
    dataset = personalize.create_dataset(name="i", schemaArn=schema, datasetGroupArn=group, datasetType="ITEMS")

    assert refusal(personalize.delete_schema, schemaArn=schema) == "ResourceInUseException"
    assert refusal(personalize.delete_dataset_group, datasetGroupArn=group) == "ResourceInUseException"
    personalize.delete_dataset(datasetArn=dataset["datasetArn"])
    personalize.delete_schema(schemaArn=schema)
    personalize.delete_dataset_group(datasetGroupArn=group)


def test_the_dataset_of_a_tracker_s_events_can_be_deleted(personalize: Any) -> None:
    group, _ = make_group(personalize)
    personalize.create_event_tracker(name="tracker", datasetGroupArn=group)

    (dataset,) = personalize.list_datasets(datasetGroupArn=group)["datasets"]
    assert dataset["datasetType"] == "EVENT_INTERACTIONS"
    (tracker,) = personalize.list_event_trackers(datasetGroupArn=group)["eventTrackers"]
    personalize.delete_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    personalize.delete_dataset(datasetArn=dataset["datasetArn"])


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("create_schema", {"name": "a b", "schema": AVRO}, "InvalidInputException"),
        ("create_dataset_group", {"name": "second"}, "LimitExceededException"),
        ("create_dataset_group", {"name": "shop"}, "ResourceAlreadyExistsException"),
        ("describe_schema", {"schemaArn": f"{PREFIX}:schema/none"}, "ResourceNotFoundException"),
        ("describe_schema", {"schemaArn": "shop-interactions"}, "ResourceNotFoundException"),
        ("delete_solution", {"solutionArn": f"{PREFIX}:solution/none"}, "ResourceNotFoundException"),
        (
            "create_dataset",
            {
                "name": "a",
                "schemaArn": f"{PREFIX}:schema/shop-interactions",
                "datasetGroupArn": "x",
                "datasetType": "ITEMS",
            },
            "ResourceNotFoundException",
        ),
        (
            "create_solution",
            {
                "name": "a",
                "datasetGroupArn": f"{PREFIX}:dataset-group/shop",
                "recipeArn": "recipe/aws-next-best-action",
            },
            "ResourceNotFoundException",
        ),
    ],
)
def test_refusals_have_the_codes_of_personalize(
    personalize: Any, operation: str, arguments: dict[str, Any], code: str
) -> None:
    make_group(personalize)

    assert refusal(getattr(personalize, operation), **arguments) == code


def test_operations_without_an_equivalent_name_the_alternative(personalize: Any) -> None:
    with pytest.raises(personalize.exceptions.InvalidInputException, match="alsolike import interactions"):
        personalize.describe_dataset_import_job(datasetImportJobArn=f"{PREFIX}:dataset-import-job/a")


def test_every_operation_of_personalize_is_answered(personalize: Any) -> None:
    works = set(ControlPlane(ResourceStore(None, ""), arn_prefix="", tracking_id="").operations)
    known = set(personalize.meta.service_model.operation_names)

    assert works | set(REFUSED) == known
    assert not works & set(REFUSED)
    assert set(EMPTY_LISTS) < works
    assert tuple(kind.noun for kind in KINDS) == RECORDED
    assert personalize.list_filters() | {"ResponseMetadata": None} == {"Filters": [], "ResponseMetadata": None}


def test_an_unknown_target_is_invalid(personalize: Any) -> None:
    event = sign(url="https://api.example/personalize/anything", body="{}", route="/personalize/{proxy+}")

    answer = handler.lambda_handler(event, LambdaContext())

    assert (answer["statusCode"], json.loads(answer["body"])["__type"]) == (400, "InvalidInputException")
