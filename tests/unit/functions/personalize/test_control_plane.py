"""The control plane, called by an unchanged boto3 client."""

import dataclasses
import json
from pathlib import Path

import pytest

from alsolike.configuration.aliases import RECIPES
from alsolike.configuration.control_plane import EMPTY_LISTS, REFUSED
from functions.personalize import handler
from functions.personalize.store import DELETING_MS, Resource, ResourceStore
from tests.builders.lambda_events import LambdaContext
from tests.builders.signed_requests import NOW_S, sign
from tests.unit.functions.personalize.client import AVRO, PREFIX, make_dataset, make_group, refusal

ROOT = Path(__file__).parents[4]

RECORDED = tuple(
    name
    for noun in ("Dataset", "DatasetGroup", "Schema", "Solution")
    for name in (f"Create{noun}", f"Delete{noun}", f"Describe{noun}", f"List{noun}s")
)
"""Operations on stored records without an effect on the deployment."""


def test_resources_have_arns_in_the_format_of_personalize(personalize):
    group, schema = make_group(personalize)
    dataset = make_dataset(personalize, "Interactions")
    solution = personalize.create_solution(
        name="for-you", datasetGroupArn=group, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization"
    )["solutionArn"]
    tracker = personalize.create_event_tracker(name="tracker", datasetGroupArn=group)

    assert (schema, group) == (f"{PREFIX}:schema/shop-interactions", f"{PREFIX}:dataset-group/shop")
    assert dataset == f"{PREFIX}:dataset/shop/INTERACTIONS"
    assert solution == f"{PREFIX}:solution/for-you"
    assert tracker["eventTrackerArn"].startswith(f"{PREFIX}:event-tracker/")
    assert tracker["trackingId"] == "alsolike-shop"


def test_described_resources_are_active_with_the_requested_values(personalize):
    group, schema = make_group(personalize)
    arn = make_dataset(personalize)

    assert personalize.describe_schema(schemaArn=schema)["schema"]["schema"] == AVRO
    assert personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] == "ACTIVE"
    dataset = personalize.describe_dataset(datasetArn=arn)["dataset"]
    assert (dataset["name"], dataset["datasetType"], dataset["schemaArn"]) == ("i", "ITEMS", schema)
    assert dataset["creationDateTime"].timestamp() == NOW_S


def test_arn_of_another_account_finds_the_same_resource(personalize):
    make_group(personalize)

    found = personalize.describe_dataset_group(datasetGroupArn="arn:aws:personalize:us-west-2:999:dataset-group/shop")

    assert found["datasetGroup"]["datasetGroupArn"] == f"{PREFIX}:dataset-group/shop"


def test_lists_are_paged_and_filtered_by_group(personalize):
    group, _ = make_group(personalize)
    for name in ("a", "b", "c"):
        personalize.create_schema(name=name, schema=AVRO)
    make_dataset(personalize)

    first = personalize.list_schemas(maxResults=3)
    rest = personalize.list_schemas(maxResults=3, nextToken=first["nextToken"])

    assert [one["name"] for one in (*first["schemas"], *rest["schemas"])] == ["a", "b", "c", "shop-interactions"]
    assert "nextToken" not in rest
    assert [one["datasetType"] for one in personalize.list_datasets(datasetGroupArn=group)["datasets"]] == ["ITEMS"]
    assert personalize.list_datasets(datasetGroupArn=f"{group}x")["datasets"] == []
    assert refusal(personalize.list_schemas, nextToken="x") == "InvalidNextTokenException"


def test_recipes_are_listed_if_a_recommender_supports_them(personalize):
    found = personalize.list_recipes()["recipes"]
    shop = personalize.list_recipes(domain="ECOMMERCE")["recipes"]

    assert {recipe["name"] for recipe in found} == set(RECIPES)
    assert {recipe["name"] for recipe in shop} == {name for name in RECIPES if "-ecomm-" in name}
    arn = found[0]["recipeArn"]
    assert personalize.describe_recipe(recipeArn=arn)["recipe"]["recipeArn"] == arn
    assert refusal(personalize.describe_recipe, recipeArn=f"{arn}x") == "ResourceNotFoundException"


def test_deleted_resource_is_visible_for_one_minute(personalize, clock):
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


def test_resource_being_deleted_cannot_be_used(personalize):
    group, schema = make_group(personalize)
    personalize.delete_schema(schemaArn=schema)
    create = {"name": "i", "schemaArn": schema, "datasetGroupArn": group, "datasetType": "ITEMS"}

    assert refusal(personalize.create_dataset, **create) == "ResourceInUseException"


def test_second_dataset_group_is_refused_with_the_name_of_the_first(personalize):
    deleted = personalize.create_dataset_group(name="a-deleted-one")["datasetGroupArn"]
    personalize.delete_dataset_group(datasetGroupArn=deleted)
    make_group(personalize)

    with pytest.raises(personalize.exceptions.LimitExceededException, match="is the dataset group 'shop' already"):
        personalize.create_dataset_group(name="second")


def test_resources_in_use_are_not_deleted(personalize):
    group, schema = make_group(personalize)
    dataset = make_dataset(personalize)

    assert refusal(personalize.delete_schema, schemaArn=schema) == "ResourceInUseException"
    assert refusal(personalize.delete_dataset_group, datasetGroupArn=group) == "ResourceInUseException"
    personalize.delete_dataset(datasetArn=dataset)
    personalize.delete_schema(schemaArn=schema)
    personalize.delete_dataset_group(datasetGroupArn=group)


@pytest.mark.parametrize("deletion", ["delete_dataset", "delete_dataset_group"])
def test_events_dataset_of_a_tracker_is_deleted_alone_or_with_its_group(personalize, deletion):
    group, _ = make_group(personalize)
    tracker = personalize.create_event_tracker(name="tracker", datasetGroupArn=group)["eventTrackerArn"]
    dataset = f"{PREFIX}:dataset/shop/EVENT_INTERACTIONS"
    arn = {"datasetArn": dataset} if deletion == "delete_dataset" else {"datasetGroupArn": group}

    assert personalize.describe_dataset(datasetArn=dataset)["dataset"]["status"] == "ACTIVE"
    assert personalize.list_datasets(datasetGroupArn=group)["datasets"] == []
    (listed,) = personalize.list_event_trackers(datasetGroupArn=group)["eventTrackers"]
    assert listed["eventTrackerArn"] == tracker
    personalize.delete_event_tracker(eventTrackerArn=tracker)
    getattr(personalize, deletion)(**arn)
    assert personalize.describe_dataset(datasetArn=dataset)["dataset"]["status"] == "DELETE IN_PROGRESS"


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
            {"name": "a", "datasetGroupArn": f"{PREFIX}:dataset-group/shop", "recipeArn": "recipe/aws-unknown"},
            "ResourceNotFoundException",
        ),
    ],
)
def test_refusals_have_the_error_codes_of_personalize(personalize, operation, arguments, code):
    make_group(personalize)

    assert refusal(getattr(personalize, operation), **arguments) == code


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("{", "schema:1:2: is not JSON"),
        ('{"type": "record", "fields": []}', "schema has no fields, expected at least one"),
    ],
)
def test_invalid_schema_is_refused(personalize, schema, problem):
    with pytest.raises(personalize.exceptions.InvalidInputException, match=problem):
        personalize.create_schema(name="items", schema=schema)

    assert personalize.list_schemas()["schemas"] == []


def test_operations_without_an_equivalent_name_the_alternative(personalize):
    with pytest.raises(personalize.exceptions.InvalidInputException, match="alsolike users erase"):
        personalize.describe_data_deletion_job(dataDeletionJobArn=f"{PREFIX}:data-deletion-job/a")


def test_every_personalize_operation_is_supported_or_refused(personalize):
    supported = handler._control_plane().operations

    assert sorted([*supported, *REFUSED]) == sorted(personalize.meta.service_model.operation_names)
    assert personalize.list_batch_segment_jobs()["batchSegmentJobs"] == []


def test_documentation_lists_every_operation(personalize):
    working = set(handler._control_plane().operations) - {*RECORDED, *EMPTY_LISTS}
    answers = [
        *(("works", "", name) for name in working),
        *(("recorded", "", name) for name in RECORDED),
        *(("empty list", "", name) for name in EMPTY_LISTS),
        *(("refused", instead, name) for name, instead in REFUSED.items()),
    ]
    names: dict[tuple[str, str], list[str]] = {}
    for status, instead, name in answers:
        names.setdefault((status, instead), []).append(f"`{name}`")
    table = "\n".join(
        f"| {', '.join(sorted(operations))} | {status} | {instead} |" for (status, instead), operations in names.items()
    )

    assert table in (ROOT / "docs" / "personalize.md").read_text(), f"docs/personalize.md lacks this table:\n{table}"


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ({}, "x-amz-target is missing"),
        ({"x_amz_target": "AmazonPersonalize."}, "x-amz-target is missing"),
        ({"x_amz_target": "AmazonPersonalize.Recommend"}, "x-amz-target names the operation 'Recommend'"),
    ],
)
@pytest.mark.parametrize("end", ["", "/"])
def test_unknown_target_header_is_refused(personalize, end, target, problem):
    route = "/personalize/{proxy+}" if end else None
    event = sign(url=f"https://api.example/personalize{end}", body="{}", route=route, **target)

    answer = handler.lambda_handler(event, LambdaContext())

    document = json.loads(answer["body"])
    assert (answer["statusCode"], document["__type"]) == (400, "InvalidInputException")
    assert document["message"] == f"{problem}, expected AmazonPersonalize.<operation>"


def test_saved_progress_keeps_a_concurrent_update(personalize, aws):
    store = ResourceStore(aws("dynamodb"), "resources")
    read = Resource("Recommender", "mine", "mine", {"recommenderConfig": {}}, 1)
    store.insert(read)
    updated = dataclasses.replace(read, request={"recommenderConfig": {"a": 1}}, updated_ms=2)

    store.update(updated)
    store.save_progress(dataclasses.replace(read, progress={"status": "ACTIVE"}))

    assert store.get("Recommender", "mine", now_ms=3) == dataclasses.replace(updated, progress={"status": "ACTIVE"})
