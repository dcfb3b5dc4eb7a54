"""Program for Amazon Personalize that provisions, imports, trains, recommends and cleans up.

It imports only boto3 and the standard library, so it also runs with other versions of boto3. `python
personalize_scenario.py` reads the variables of `alsolike keys create`, and prints its results as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3

SCHEMA = {
    "type": "record",
    "name": "Interactions",
    "namespace": "com.amazonaws.personalize.schema",
    "fields": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
    "version": "1.0",
}
RECIPES = "arn:aws:personalize:::recipe"
ROLE = "arn:aws:iam::123456789012:role/PersonalizeRole"
PAUSE_S = 0.5
TIMEOUT_S = 300
LISTS = 30
"""Number of requested lists for the same user, which differ because of the exploration."""


def run(
    client: Callable[[str], Any],
    *,
    location: str,
    user: str,
    batch: tuple[str, str] | None = None,
    waits_for_deletion: bool = False,
) -> dict[str, Any]:
    """Run the program and return the received data. `batch` has the input and output of a batch inference job."""
    personalize, runtime, events = (
        client(service) for service in ("personalize", "personalize-runtime", "personalize-events")
    )
    schema = personalize.create_schema(name="scenario", schema=json.dumps(SCHEMA))["schemaArn"]
    group = personalize.create_dataset_group(name="scenario")["datasetGroupArn"]
    _wait(personalize.describe_dataset_group, "datasetGroup", datasetGroupArn=group)
    dataset = personalize.create_dataset(
        name="interactions", schemaArn=schema, datasetGroupArn=group, datasetType="INTERACTIONS"
    )["datasetArn"]
    _wait(personalize.describe_dataset, "dataset", datasetArn=dataset)
    job = personalize.create_dataset_import_job(
        jobName="scenario", datasetArn=dataset, dataSource={"dataLocation": location}, roleArn=ROLE
    )["datasetImportJobArn"]
    _wait(personalize.describe_dataset_import_job, "datasetImportJob", datasetImportJobArn=job)

    recipes = [recipe["recipeArn"] for recipe in personalize.list_recipes()["recipes"]]
    recipe = f"{RECIPES}/aws-user-personalization"
    assert recipe in recipes
    solution = personalize.create_solution(name="scenario", datasetGroupArn=group, recipeArn=recipe)["solutionArn"]
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    _wait(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=version)
    metrics = personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    campaign = personalize.create_campaign(
        name="scenario",
        solutionVersionArn=version,
        minProvisionedTPS=1,
        campaignConfig={"itemExplorationConfig": {"explorationWeight": "0.3", "explorationItemAgeCutOff": "30"}},
    )["campaignArn"]
    _wait(personalize.describe_campaign, "campaign", campaignArn=campaign)
    lists = [_items(runtime.get_recommendations(campaignArn=campaign, userId=user)) for _ in range(LISTS)]
    items = lists[0]

    tracker = personalize.create_event_tracker(name="scenario", datasetGroupArn=group)
    event = {"eventType": "Watch", "sentAt": time.time(), "properties": json.dumps({"itemId": items[0]})}
    events.put_events(trackingId=tracker["trackingId"], userId=user, sessionId="scenario", eventList=[event])
    later = _items(runtime.get_recommendations(campaignArn=campaign, userId=user))
    expression = "EXCLUDE ItemID WHERE Items.ITEM_ID IN ($items)"
    filtered = personalize.create_filter(name="scenario", datasetGroupArn=group, filterExpression=expression)
    _wait(personalize.describe_filter, "filter", filterArn=filtered["filterArn"])
    without = _items(
        runtime.get_recommendations(
            campaignArn=campaign,
            userId=user,
            filterArn=filtered["filterArn"],
            filterValues={"items": f'"{items[0]}"'},
        )
    )

    if batch is not None:
        job = personalize.create_batch_inference_job(
            jobName="scenario",
            solutionVersionArn=version,
            jobInput={"s3DataSource": {"path": batch[0]}},
            jobOutput={"s3DataDestination": {"path": batch[1]}},
            roleArn=ROLE,
        )["batchInferenceJobArn"]
        _wait(personalize.describe_batch_inference_job, "batchInferenceJob", batchInferenceJobArn=job)

    personalize.delete_campaign(campaignArn=campaign)
    personalize.delete_filter(filterArn=filtered["filterArn"])
    personalize.delete_solution(solutionArn=solution)
    personalize.delete_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    for each in personalize.list_datasets(datasetGroupArn=group)["datasets"]:
        personalize.delete_dataset(datasetArn=each["datasetArn"])
    personalize.delete_schema(schemaArn=schema)
    personalize.delete_dataset_group(datasetGroupArn=group)
    recommended = _recommenders(personalize, runtime, user) if hasattr(personalize, "create_recommender") else None
    if waits_for_deletion:
        _wait_until_gone(personalize, personalize.describe_dataset_group, datasetGroupArn=group)
    return {
        "boto3": boto3.__version__,
        "lists": lists,
        "later": later,
        "without": without,
        "recommended": recommended,
        "metrics": metrics,
    }


def _recommenders(personalize: Any, runtime: Any, user: str) -> list[str]:
    """Create and delete a domain dataset group with two recommenders. Return the items of the first recommender."""
    group = personalize.create_dataset_group(name="domain", domain="ECOMMERCE")["datasetGroupArn"]
    arns = []
    for name, recipe in {
        "scenario-for-you": "aws-ecomm-recommended-for-you",
        "scenario-popular": "aws-ecomm-popular-items-by-purchases",
    }.items():
        created = personalize.create_recommender(name=name, datasetGroupArn=group, recipeArn=f"{RECIPES}/{recipe}")
        arns.append(created["recommenderArn"])
    for arn in arns:
        _wait(personalize.describe_recommender, "recommender", recommenderArn=arn)
    items = _items(runtime.get_recommendations(recommenderArn=arns[0], userId=user, numResults=10))
    for each in personalize.list_recommenders(datasetGroupArn=group)["recommenders"]:
        personalize.delete_recommender(recommenderArn=each["recommenderArn"])
    personalize.delete_dataset_group(datasetGroupArn=group)
    return items


def _wait(describe: Any, field: str, **arn: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        found = describe(**arn)[field]
        if found["status"] == "ACTIVE":
            return
        assert found["status"] != "CREATE FAILED", found.get("failureReason")
        assert time.monotonic() < deadline, found
        time.sleep(PAUSE_S)


def _wait_until_gone(personalize: Any, describe: Any, **arn: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            describe(**arn)
        except personalize.exceptions.ResourceNotFoundException:
            return
        time.sleep(PAUSE_S)
    raise AssertionError(f"{arn} still exists")


def _items(answer: dict[str, Any]) -> list[str]:
    return [item["itemId"] for item in answer["itemList"]]


if __name__ == "__main__":
    LOCATION, USER = sys.argv[1:]
    RESULT = run(
        # Versions before 1.28 do not read endpoints from environment variables.
        lambda service: boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL_PERSONALIZE"]),
        location=LOCATION,
        user=USER,
        waits_for_deletion=True,
    )
    print(json.dumps(RESULT))
