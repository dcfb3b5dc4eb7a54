"""API calls of public Amazon Personalize notebooks, in the notebooks' order and with their cleanup.

They are from https://github.com/aws-samples/amazon-personalize-samples: `getting_started/notebooks` (1, 2 and 99),
`next_steps/workshops/POC_in_a_box` (01 to 06) and `getting_started/notebooks_managed_domains` (e-commerce and cleanup).
"""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

RECIPES = "arn:aws:personalize:::recipe"
ROLE = "arn:aws:iam::123456789012:role/PersonalizeRole"
PAUSE_S = 0.5
TIMEOUT_S = 300
NAMES = {"dataset_import_job": "datasetImportJob", "dataset_group": "datasetGroup", "event_tracker": "eventTracker",
         "solution_version": "solutionVersion", "batch_inference_job": "batchInferenceJob",
         "batch_segment_job": "batchSegmentJob"}  # fmt: skip
"""Names of resource types in boto3's parameters and responses, if boto3's methods have another name (the key)."""

USER_ID, ITEM_ID = ({"name": name, "type": "string"} for name in ("USER_ID", "ITEM_ID"))
TIMESTAMP, EVENT_TYPE = {"name": "TIMESTAMP", "type": "long"}, {"name": "EVENT_TYPE", "type": "string"}
GENRE, YEAR = {"name": "GENRE", "type": "string", "categorical": True}, {"name": "YEAR", "type": "int"}


@dataclasses.dataclass
class Notebook:
    """Clients of a notebook, and steps that notebooks repeat."""

    personalize: Any
    runtime: Any
    events: Any
    names: str

    @classmethod
    def of(cls, client: Callable[[str], Any], *, names: str) -> Notebook:
        """Return a notebook whose resource names have the prefix `names`."""
        return cls(client("personalize"), client("personalize-runtime"), client("personalize-events"), names)

    def create(self, kind: str, name: str = "", **request: Any) -> str:
        arn = self.begin(kind, name, **request)
        self.wait(kind, arn)
        return arn

    def begin(self, kind: str, name: str = "", **request: Any) -> str:
        named = {"jobName" if kind.endswith("_job") else "name": f"{self.names}-{name}"} if name else {}
        arn: str = getattr(self.personalize, f"create_{kind}")(**named, **request)[f"{NAMES.get(kind, kind)}Arn"]
        return arn

    def wait(self, kind: str, *arns: str) -> None:
        field, deadline = NAMES.get(kind, kind), time.monotonic() + TIMEOUT_S
        waiting = list(arns)
        while waiting:
            found = getattr(self.personalize, f"describe_{kind}")(**{f"{field}Arn": waiting[0]})[field]
            assert found["status"] != "CREATE FAILED", found.get("failureReason")
            assert time.monotonic() < deadline, found
            if found["status"] == "ACTIVE":
                waiting.pop(0)
            else:
                time.sleep(PAUSE_S)

    def remove(self, kind: str, *arns: str) -> None:
        """Delete resources, and assert that their deletion is in progress. Notebooks poll this status."""
        field = NAMES.get(kind, kind)
        self.delete(kind, *arns)
        for arn in arns:
            found = getattr(self.personalize, f"describe_{kind}")(**{f"{field}Arn": arn})[field]
            assert found["status"] == "DELETE IN_PROGRESS", found

    def delete(self, kind: str, *arns: str) -> None:
        for arn in arns:
            getattr(self.personalize, f"delete_{kind}")(**{f"{NAMES.get(kind, kind)}Arn": arn})

    def schema(self, name: str, *fields: Mapping[str, Any], **more: str) -> str:
        record = {"type": "record", "name": name, "namespace": "com.amazonaws.personalize.schema"}
        arn: str = self.personalize.create_schema(
            name=f"{self.names}-{name.lower()}",
            schema=json.dumps({**record, "fields": fields, "version": "1.0"}),
            **more,
        )["schemaArn"]
        return arn

    def dataset(self, group: str, schema: str, dataset: str, location: str) -> str:
        arn = self.create("dataset", dataset.lower(), datasetType=dataset, datasetGroupArn=group, schemaArn=schema)
        job = {"datasetArn": arn, "dataSource": {"dataLocation": location}, "roleArn": ROLE}
        self.create("dataset_import_job", dataset.lower(), **job)
        return arn

    def items(self, **request: Any) -> list[str]:
        return [item["itemId"] for item in self.runtime.get_recommendations(**request)["itemList"]]

    def send(self, tracking_id: str, user: str, item: str, event_type: str) -> None:
        """Send an event whose properties contain the item."""
        event = {"sentAt": int(time.time()), "eventType": event_type, "properties": json.dumps({"itemId": item})}
        self.events.put_events(trackingId=tracking_id, userId=user, sessionId=str(uuid.uuid1()), eventList=[event])


def first_campaign(notebook: Notebook, *, interactions: str, user: str) -> dict[str, list[str]]:
    """Create a campaign, send events, and clean up. Return the recommended items before and after the events."""
    personalize = notebook.personalize
    schema = notebook.schema("Interactions", USER_ID, ITEM_ID, TIMESTAMP)
    group = notebook.create("dataset_group", "group")
    dataset = notebook.dataset(group, schema, "INTERACTIONS", interactions)
    recipe = f"{RECIPES}/aws-user-personalization"
    assert recipe in [each["recipeArn"] for each in personalize.list_recipes()["recipes"]]
    solution = notebook.begin("solution", "solution", datasetGroupArn=group, recipeArn=recipe)
    version = notebook.create("solution_version", solutionArn=solution)
    assert personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    campaign = notebook.create(
        "campaign", "campaign", solutionVersionArn=version, minProvisionedTPS=1,
        campaignConfig={"itemExplorationConfig": {"explorationWeight": "0.5"}},
    )  # fmt: skip
    before = notebook.items(campaignArn=campaign, userId=user)

    tracker = personalize.create_event_tracker(name="MovieClickTracker", datasetGroupArn=group)
    for item in before[:3]:
        notebook.send(tracker["trackingId"], user, item, "EVENT_TYPE")
    after = notebook.items(campaignArn=campaign, userId=user)

    notebook.delete("campaign", campaign)
    notebook.delete("solution", solution)
    notebook.delete("event_tracker", tracker["eventTrackerArn"])
    notebook.delete("dataset", dataset, dataset.replace("INTERACTIONS", "EVENT_INTERACTIONS"))
    notebook.delete("schema", schema)
    notebook.delete("dataset_group", group)  # The notebook itself keeps the group.
    return {"before": before, "after": after}


def three_solutions(
    notebook: Notebook, *, interactions: str, items: str, user: str, item: str, genres: Sequence[str],
    batch: tuple[str, str], segments: tuple[str, str],
) -> dict[str, list[str]]:  # fmt: skip
    """Train three solutions and a segmentation on the same data, use campaigns, filters and jobs, and clean up.

    Return all recommended items.
    """
    personalize = notebook.personalize
    group = notebook.create("dataset_group", "group")
    schemas = [notebook.schema("Interactions", USER_ID, ITEM_ID, EVENT_TYPE, TIMESTAMP)]
    datasets = [notebook.dataset(group, schemas[0], "INTERACTIONS", interactions)]
    schemas.append(notebook.schema("Items", ITEM_ID, GENRE, YEAR))
    datasets.append(notebook.dataset(group, schemas[1], "ITEMS", items))

    solutions, versions = [], []
    for recipe in ("aws-user-personalization", "aws-sims", "aws-personalized-ranking", "aws-item-attribute-affinity"):
        solutions.append(notebook.begin("solution", recipe, datasetGroupArn=group, recipeArn=f"{RECIPES}/{recipe}"))
        versions.append(notebook.begin("solution_version", solutionArn=solutions[-1]))
    notebook.wait("solution_version", *versions)
    for version in versions:
        assert personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    campaigns = [
        notebook.begin("campaign", name, solutionVersionArn=version, minProvisionedTPS=1)
        for name, version in zip(("userpersonalization", "SIMS", "rerank"), versions[:3], strict=True)
    ]
    notebook.wait("campaign", *campaigns)
    for_user, similar, ranking = campaigns
    expressions = {
        **{genre: f'INCLUDE ItemID WHERE Items.GENRE IN ("{genre}")' for genre in genres},
        "watched": 'INCLUDE ItemID WHERE Interactions.event_type IN ("watch")',
        "unwatched": 'EXCLUDE ItemID WHERE Interactions.event_type IN ("watch")',
        "1970s": "INCLUDE ItemID WHERE Items.YEAR >= 1970 AND Items.YEAR < 1980",
    }
    filters = {
        name: personalize.create_filter(name=name, datasetGroupArn=group, filterExpression=expression)["filterArn"]
        for name, expression in expressions.items()
    }
    notebook.wait("filter", *filters.values())

    answers = {
        "similar": notebook.items(campaignArn=similar, itemId=item),
        "for user": notebook.items(campaignArn=for_user, userId=user),
        **{name: notebook.items(campaignArn=for_user, userId=user, filterArn=arn) for name, arn in filters.items()},
    }
    tracker = personalize.create_event_tracker(name="MovieTracker", datasetGroupArn=group)
    for each in answers["for user"][:2]:
        notebook.send(tracker["trackingId"], user, each, "watch")
    answers["after events"] = notebook.items(campaignArn=for_user, userId=user)
    ranked = notebook.runtime.get_personalized_ranking(
        campaignArn=ranking, userId=user, inputList=answers["for user"][:5]
    )
    answers["ranked"] = [each["itemId"] for each in ranked["personalizedRanking"]]
    notebook.create(
        "batch_inference_job", f"batch-{round(time.time() * 1000)}", solutionVersionArn=versions[0], roleArn=ROLE,
        jobInput={"s3DataSource": {"path": batch[0]}}, jobOutput={"s3DataDestination": {"path": batch[1]}},
    )  # fmt: skip
    notebook.create(
        "batch_segment_job", f"segments-{round(time.time() * 1000)}", solutionVersionArn=versions[3], roleArn=ROLE,
        jobInput={"s3DataSource": {"path": segments[0]}}, jobOutput={"s3DataDestination": {"path": segments[1]}},
        numResults=5,
    )  # fmt: skip

    notebook.delete("campaign", *campaigns)
    notebook.delete("event_tracker", tracker["eventTrackerArn"])
    notebook.delete("filter", *filters.values())
    notebook.delete("solution", *solutions)
    notebook.delete("dataset", *reversed(datasets))
    notebook.delete("schema", *schemas)
    notebook.delete("dataset_group", group)
    return answers


def domain_recommenders(notebook: Notebook, *, interactions: str, user: str, item: str) -> dict[str, list[str]]:
    """Create two recommenders of a domain, list all resources and delete them. Return the recommended items."""
    personalize = notebook.personalize
    group = notebook.create("dataset_group", "group", domain="ECOMMERCE")
    schema = notebook.schema("Interactions", USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE, domain="ECOMMERCE")
    notebook.dataset(group, schema, "INTERACTIONS", interactions)
    assert personalize.list_recipes(domain="ECOMMERCE")["recipes"]
    viewed, recommended = (
        notebook.begin("recommender", name, recipeArn=f"{RECIPES}/aws-ecomm-{name}", datasetGroupArn=group)
        for name in ("customers-who-viewed-x-also-viewed", "recommended-for-you")
    )
    notebook.wait("recommender", viewed, recommended)
    answers = {
        "viewed": notebook.items(recommenderArn=viewed, itemId=item, userId=user, numResults=10),
        "recommended": notebook.items(recommenderArn=recommended, userId=user, numResults=20),
    }

    found = personalize.list_recommenders(datasetGroupArn=group, maxResults=100)["recommenders"]
    recommenders = [each["recommenderArn"] for each in found]
    notebook.remove("recommender", *recommenders)
    for page in personalize.get_paginator("list_event_trackers").paginate(datasetGroupArn=group):
        notebook.delete("event_tracker", *(each["eventTrackerArn"] for each in page["eventTrackers"]))
    assert personalize.list_filters(datasetGroupArn=group, maxResults=100)["Filters"] == []
    datasets, schemas = [], []
    for page in personalize.get_paginator("list_datasets").paginate(datasetGroupArn=group):
        for each in page["datasets"]:
            described = personalize.describe_dataset(datasetArn=each["datasetArn"])
            schemas.append(described["dataset"]["schemaArn"])
            datasets.append(each["datasetArn"])
    notebook.remove("dataset", *datasets)
    notebook.delete("schema", *schemas)
    notebook.remove("dataset_group", group)
    return answers
