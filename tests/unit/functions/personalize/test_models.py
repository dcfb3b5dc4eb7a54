"""Solution versions, campaigns, recommenders and filters."""

import contextlib
import dataclasses
import json

import pytest
from botocore.exceptions import ClientError

from alsolike.configuration.aliases import Alias
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration.rules import Exploration
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.registry import promotion
from alsolike.registry.decision import LATEST_EVENT, Check, Decision, decision_key
from alsolike.runtime.errors import ConcurrentUpdate
from alsolike.training.runs import BUSY, TrainingRuns
from functions.personalize.served_names import ServedNames
from tests.builders.world import World
from tests.unit.functions.personalize.client import BATCHES, MACHINE, PREFIX, make_dataset, make_group, raw, refusal

RECIPES = "arn:aws:personalize:::recipe"
TOO_MUCH = {"explorationWeight": "2"}
VISIBLE_S = 33
"""Time in seconds until `recommend` has read a new name, if the function reads the configuration every 30 s."""


class Shop(World):
    """Dataset group whose training runs are ended by tests."""

    def __init__(self, personalize, aws, cloud, bucket, clock):
        super().__init__(aws, bucket)
        self.client, self._cloud, self.stepfunctions = personalize, cloud, aws("stepfunctions")
        self._clock = clock
        self.group, _ = make_group(personalize)

    def solution(self, name="for-you", recipe="aws-user-personalization"):
        return self.client.create_solution(name=name, datasetGroupArn=self.group, recipeArn=f"{RECIPES}/{recipe}")[
            "solutionArn"
        ]

    def version(self, solution):
        self._clock.now_s += 1  # The version is created after the start of earlier runs.
        return self.client.create_solution_version(solutionArn=solution)["solutionVersionArn"]

    def described(self, version):
        return self.client.describe_solution_version(solutionVersionArn=version)["solutionVersion"]

    def status(self, version):
        return self.described(version)["status"]

    def train(self, model, solution):
        """Return a solution version whose run trained the current champion."""
        version = self.version(solution)
        self.publish(model)
        self.end(version=model)
        assert self.status(version) == "ACTIVE"
        return version

    def recommender(self, name, recipe="aws-popularity-count", **fields):
        return {"name": name, "datasetGroupArn": self.group, "recipeArn": f"{RECIPES}/{recipe}", **fields}

    def batch(self):
        (execution,) = self.stepfunctions.list_executions(stateMachineArn=BATCHES)["executions"]
        described = self.stepfunctions.describe_execution(executionArn=execution["executionArn"])
        batch = json.loads(described["input"])
        assert batch.pop("run") == execution["name"]
        return batch

    def runs(self):
        return self.stepfunctions.list_executions(stateMachineArn=MACHINE)["executions"]

    def forget(self):
        self._cloud.step_functions.forget_all()

    def end(self, verdict="approved", version="m1", *, status="SUCCEEDED"):
        output = {"start": {"run_id": version}, "registration": {"version": version, "verdict": verdict}}
        event = {"stateExitedEventDetails": {"name": "Register", "output": json.dumps(output)}}
        history = [{"id": 1, "timestamp": self.runs()[0]["startDate"], **event}]
        self._cloud.step_functions.end_all(status, history=history if status == "SUCCEEDED" else ())

    def publish(self, version):
        self.store_manifest(version)
        self.promote(version)

    def delete_manifest(self, version):
        self.s3.delete_object(Bucket=self.bucket, Key=f"models/{version}/manifest.json")

    def configuration(self):
        reader = ConfigurationReader(self.s3, self.bucket, own_names=True)
        return reader.current(now_ms=0, remaining_ms=lambda: 1e9)

    def aliases(self):
        return dict(self.configuration().aliases)

    def filters(self):
        return dict(self.configuration().filters)


@pytest.fixture
def shop(personalize, aws, cloud, artefact_bucket, clock):
    return Shop(personalize, aws, cloud, artefact_bucket, clock)


def test_solution_version_is_a_training_run(shop):
    solution = shop.solution()
    version = shop.version(solution)

    assert version.startswith(f"{PREFIX}:solution/for-you/")
    assert shop.status(version) == "CREATE IN_PROGRESS"
    assert refusal(shop.client.get_solution_metrics, solutionVersionArn=version) == "ResourceInUseException"
    shop.publish("m1")
    shop.end()
    assert shop.status(version) == "ACTIVE"
    metrics = shop.client.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert metrics["coverage"] == 0.8
    assert metrics["normalized_discounted_cumulative_gain_at_10"] == 0.25
    (listed,) = shop.client.list_solution_versions(solutionArn=solution)["solutionVersions"]
    assert (listed["solutionVersionArn"], listed["status"]) == (version, "ACTIVE")
    described = shop.client.describe_solution(solutionArn=solution)["solution"]
    assert described["latestSolutionVersion"]["solutionVersionArn"] == version


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"verdict": "rejected"}, "the gate rejected model m1: ndcg: 0.1, popularity has 0.2"),
        ({"status": "FAILED"}, "no error named"),
    ],
)
def test_run_without_a_model_fails_the_version(shop, how, reason):
    version = shop.version(shop.solution())
    check = Check("ndcg", passed=False, figures="0.1, popularity has 0.2")
    body = Decision("m1", 5, None, (check,)).to_json()
    shop.put(decision_key("m1"), body)
    shop.end(**how)

    assert shop.status(version) == "CREATE FAILED"
    assert reason in shop.described(version)["failureReason"]
    assert len(shop.runs()) == 1


def reject_as_known(shop, version, *, last_event_ms=7):
    """End the run with a model that the gate rejected against the champion m1, which has data until 7 ms."""
    times = {"last_event_ms": last_event_ms, "champion_last_event_ms": 7}
    checks = (Check(LATEST_EVENT, True, "", times), Check("against the champion", False, "nothing new"))
    body = Decision(version, 5, "m1", checks).to_json()
    shop.put(decision_key(version), body)
    shop.end("rejected", version)


@pytest.fixture
def trained(shop):
    """Return a shop whose first solution version trained the champion m1."""
    shop.train("m1", shop.solution())
    return shop


def test_versions_on_the_same_data_are_served_by_the_champion(trained, clock):
    versions = {name: trained.version(trained.solution(name, f"aws-{name}")) for name in ("sims", "hrnn")}

    for model, (name, version) in zip(("m2", "m3"), versions.items(), strict=True):
        # Reading the status starts the run of the second version, which was created during the run of the first one.
        trained.status(version)
        reject_as_known(trained, model)
        assert trained.status(version) == "ACTIVE"
        assert trained.described(version)["failureReason"] == (
            "model m1 serves this solution version, because its training data are as recent; the gate rejected model "
            f"{model}: against the champion: nothing new"
        )
        assert trained.client.get_solution_metrics(solutionVersionArn=version)["metrics"]["coverage"] == 0.8
        arn = trained.client.create_campaign(name=name, solutionVersionArn=version)["campaignArn"]
        clock.now_s += VISIBLE_S
        assert trained.client.describe_campaign(campaignArn=arn)["campaign"]["status"] == "ACTIVE"
    assert {name: alias.recommender for name, alias in trained.aliases().items()} == {
        "sims": "similar-items", "hrnn": "for-you"
    }  # fmt: skip


def test_update_to_a_version_of_the_champion_keeps_the_champion(trained):
    version = trained.version(trained.solution("sims", "aws-sims"))
    reject_as_known(trained, "m2")
    arn = trained.client.create_campaign(name="sims", solutionVersionArn=version)["campaignArn"]

    trained.client.update_campaign(campaignArn=arn, solutionVersionArn=version)

    assert trained.champion.version == "m1"


def test_deletion_of_a_used_group_names_the_resources_in_order(trained):
    client, group = trained.client, trained.group
    solution = trained.solution("sims", "aws-sims")
    version = trained.version(solution)
    trained.status(version)
    trained.end(version="m2")
    client.create_campaign(name="home", solutionVersionArn=version)
    make_dataset(client)
    tracker = client.create_event_tracker(name="tracker", datasetGroupArn=group)["eventTrackerArn"]
    client.create_filter(
        name="some", datasetGroupArn=group, filterExpression="INCLUDE ItemID WHERE Items.ITEM_ID IN ($items)"
    )
    client.create_recommender(**trained.recommender("best"))

    with pytest.raises(client.exceptions.ResourceInUseException) as caught:
        client.delete_dataset_group(datasetGroupArn=group)

    arns = caught.value.response["Error"]["Message"].partition(" is in use. Delete these first, in this order: ")[2]
    assert arns.split(", ") == [
        f"{PREFIX}:campaign/home", f"{PREFIX}:recommender/best", f"{PREFIX}:filter/some",
        f"{PREFIX}:solution/for-you", f"{PREFIX}:solution/sims", tracker, f"{PREFIX}:dataset/shop/ITEMS",
    ]  # fmt: skip
    for arn in arns.split(", "):
        kind = arn.removeprefix(f"{PREFIX}:").partition("/")[0]
        field = "eventTrackerArn" if arn == tracker else f"{kind}Arn"
        getattr(client, f"delete_{kind.replace('-', '_')}")(**{field: arn})
    client.delete_dataset_group(datasetGroupArn=group)


def test_rejected_model_of_newer_data_fails_the_version(trained):
    version = trained.version(trained.solution("sims", "aws-sims"))

    reject_as_known(trained, "m2", last_event_ms=8)

    assert trained.status(version) == "CREATE FAILED"


def test_versions_created_during_a_run_share_the_next_run(shop):
    solution = shop.solution()
    shop.version(solution)
    later = [shop.version(solution), shop.version(solution)]

    assert [shop.status(version) for version in later] == ["CREATE PENDING"] * 2
    shop.end()
    assert [shop.status(version) for version in later] == ["CREATE IN_PROGRESS"] * 2
    assert len(shop.runs()) == 2


def test_campaign_is_an_alias_in_requests(shop, clock):
    version = shop.version(shop.solution(recipe="aws-user-personalization"))
    campaign = {
        "name": "home", "solutionVersionArn": version, "minProvisionedTPS": 1,
        "campaignConfig": {"itemExplorationConfig": {"explorationWeight": "0.3", "explorationItemAgeCutOff": "7"}},
    }  # fmt: skip
    assert refusal(shop.client.create_campaign, **campaign) == "ResourceInUseException"
    shop.end()

    arn = shop.client.create_campaign(**campaign)["campaignArn"]

    assert shop.client.describe_campaign(campaignArn=arn)["campaign"]["status"] == "CREATE IN_PROGRESS"
    clock.now_s += VISIBLE_S
    assert shop.client.describe_campaign(campaignArn=arn)["campaign"]["status"] == "CREATE PENDING"
    shop.publish("m1")
    found = shop.client.describe_campaign(campaignArn=arn)["campaign"]
    assert (found["status"], found["minProvisionedTPS"], found["solutionVersionArn"]) == ("ACTIVE", 1, version)
    assert shop.aliases()["home"].exploration is None  # the column with the time of creation is not declared
    shop.configure(items={"columns": {"CREATION_TIMESTAMP": "timestamp"}})
    assert shop.aliases()["home"] == Alias(
        "home", "for-you", exploration=Exploration(0.3, 7), recipe="aws-user-personalization"
    )
    assert refusal(shop.client.delete_solution, solutionArn=f"{PREFIX}:solution/for-you") == "ResourceInUseException"
    shop.client.delete_campaign(campaignArn=arn)
    assert "home" not in shop.aliases()
    shop.client.delete_solution(solutionArn=f"{PREFIX}:solution/for-you")
    assert shop.status(version) == "DELETE IN_PROGRESS"


@pytest.fixture
def two_models(shop):
    """Return the solution version of the first model, and a campaign of the second model, which is champion."""
    solution = shop.solution()
    first = shop.train("m1", solution)
    shop.train("m2", solution)
    arn = shop.client.create_campaign(name="home", solutionVersionArn=f"{solution}/$LATEST")["campaignArn"]
    return first, arn


def test_update_of_a_campaign_promotes_another_model(shop, two_models, clock):
    version, campaign = two_models
    clock.now_s += VISIBLE_S

    shop.client.update_campaign(campaignArn=campaign, solutionVersionArn=version, minProvisionedTPS=2)

    assert shop.champion.version == "m1"
    described = shop.client.describe_campaign(campaignArn=campaign)["campaign"]
    assert described["latestCampaignUpdate"]["status"] == "CREATE IN_PROGRESS"
    assert (described["solutionVersionArn"], described["minProvisionedTPS"]) == (version, 2)
    clock.now_s += VISIBLE_S
    described = shop.client.describe_campaign(campaignArn=campaign)["campaign"]
    assert described["latestCampaignUpdate"]["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("prepare", "fields", "code"),
    [
        (None, {"campaignConfig": {"itemExplorationConfig": TOO_MUCH}}, "InvalidInputException"),
        (lambda shop, arn: shop.client.delete_campaign(campaignArn=arn), {}, "ResourceInUseException"),
        (lambda shop, _: shop.delete_manifest("m1"), {}, "InvalidInputException"),
    ],
    ids=["invalid weight", "campaign being deleted", "deleted model"],
)
def test_refused_campaign_update_changes_nothing(shop, two_models, prepare, fields, code):
    version, campaign = two_models
    if prepare is not None:
        prepare(shop, campaign)

    refused = refusal(shop.client.update_campaign, campaignArn=campaign, solutionVersionArn=version, **fields)

    assert refused == code
    assert shop.client.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] != version
    assert shop.champion.version == "m2"


def test_promotion_without_an_approval_is_logged(shop, two_models, monkeypatch, caplog):
    version, campaign = two_models
    monkeypatch.setattr(promotion, "approve", lambda *_, **__: ("the package could not be approved",))

    shop.client.update_campaign(campaignArn=campaign, solutionVersionArn=version)

    assert shop.champion.version == "m1"
    assert "the package could not be approved" in caplog.text


def test_version_without_its_execution_fails(shop):
    solution = shop.solution()
    version = shop.version(solution)

    shop.forget()

    (listed,) = shop.client.list_solution_versions(solutionArn=solution)["solutionVersions"]
    assert (listed["solutionVersionArn"], listed["status"]) == (version, "CREATE FAILED")
    assert "does not store the execution any more" in listed["failureReason"]
    assert shop.runs() == []  # the failure is final, so no run starts


def test_busy_run_leaves_the_version_pending(shop, monkeypatch):
    read = TrainingRuns.get
    with monkeypatch.context() as during:
        during.setattr(
            TrainingRuns, "get", lambda self, name: dataclasses.replace(read(self, name), decision=BUSY, version=None)
        )
        version = shop.version(shop.solution())

        assert shop.status(version) == "CREATE PENDING"
    assert shop.status(version) == "CREATE IN_PROGRESS"


@pytest.mark.parametrize(
    "config", ["x", *({"itemExplorationConfig": value} for value in (["x"], TOO_MUCH, {"explorationWeight": "much"}))]
)
def test_invalid_exploration_config_is_refused(shop, config):
    answer = raw("CreateRecommender", json.dumps(shop.recommender("a", recommenderConfig=config)))

    assert (answer["statusCode"], json.loads(answer["body"])["__type"]) == (400, "InvalidInputException")


@pytest.mark.parametrize("retry", ["delete_campaign", "describe_campaign"])
def test_failed_alias_deletion_is_completed_by_a_retry(shop, two_models, retry, monkeypatch):
    def fail(*_, **__):
        raise ConcurrentUpdate("another writer was faster")

    campaign = two_models[1]
    with monkeypatch.context() as during:
        during.setattr(ServedNames, "publish", fail)
        with pytest.raises(ClientError):
            shop.client.delete_campaign(campaignArn=campaign)
    assert "home" in shop.aliases()

    with contextlib.suppress(ClientError):
        getattr(shop.client, retry)(campaignArn=campaign)

    assert "home" not in shop.aliases()


def test_recommender_without_a_model_starts_a_training(shop, clock):
    recipe = "aws-ecomm-recommended-for-you"

    arn = shop.client.create_recommender(**shop.recommender("mine", recipe))["recommenderArn"]

    def described():
        return shop.client.describe_recommender(recommenderArn=arn)["recommender"]

    assert described()["status"] == "CREATE IN_PROGRESS"
    shop.end()
    clock.now_s += VISIBLE_S
    assert described()["status"] == "CREATE PENDING"  # The model is not champion yet.
    shop.publish("m1")
    assert described()["status"] == "ACTIVE"
    assert "latestRecommenderUpdate" not in described()  # Progress of the training does not count as an update.
    assert shop.aliases()["mine"].hides == ("purchase",)
    assert len(shop.runs()) == 1
    shop.client.create_recommender(**shop.recommender("more", recipe))
    assert len(shop.runs()) == 1
    listed = shop.client.list_recommenders(datasetGroupArn=shop.group)["recommenders"]
    assert [(one["name"], one["status"]) for one in listed] == [("mine", "ACTIVE"), ("more", "CREATE IN_PROGRESS")]


def test_filter_is_checked_and_can_be_used_in_requests(shop, clock):
    shop.configure(
        filters={"cheap": "INCLUDE ItemID WHERE Items.PRICE < 5"},
        items={"columns": {"PRICE": "number", "GENRE": "string"}},
    )
    create = {"datasetGroupArn": shop.group, "filterExpression": "INCLUDE ItemID WHERE Items.GENRE IN ($genre)"}

    arn = shop.client.create_filter(name="genre", **create)["filterArn"]

    assert arn == f"{PREFIX}:filter/genre"
    assert shop.client.describe_filter(filterArn=arn)["filter"]["status"] == "CREATE IN_PROGRESS"
    clock.now_s += VISIBLE_S
    (listed,) = shop.client.list_filters(datasetGroupArn=shop.group)["Filters"]
    assert (listed["name"], listed["status"]) == ("genre", "ACTIVE")
    assert shop.filters()["genre"] == create["filterExpression"]
    assert refusal(shop.client.create_filter, name="cheap", **create) == "ResourceAlreadyExistsException"
    shop.client.delete_filter(filterArn=arn)
    assert set(shop.filters()) == {"cheap"}


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("INCLUDE", "filterExpression is invalid"),
        ('INCLUDE ItemID WHERE Items.PRICE = "a"', "Items.PRICE is declared as number and compared with"),
        (
            'INCLUDE ItemID WHERE Items.PRICE < 5 AND Items.GENRE IN ("x")',
            "character 42: Items.GENRE is not declared, so no item has a value in it. Declare genre in the "
            "configuration: items.columns",
        ),
    ],
)
def test_invalid_filter_is_refused(shop, expression, problem):
    shop.configure(items={"columns": {"PRICE": "number"}})

    with pytest.raises(shop.client.exceptions.InvalidInputException, match=problem):
        shop.client.create_filter(name="bad", datasetGroupArn=shop.group, filterExpression=expression)

    assert shop.filters() == {}


COLUMNS = [
    {"name": "ITEM_ID", "type": "string"},
    {"name": "GENRE", "type": ["null", "string"], "categorical": True},
    {"name": "YEAR", "type": "int"},
    {"name": "TITLE", "type": "string"},
    {"name": "PLOT", "type": "string", "textual": True},
    {"name": "CREATION_TIMESTAMP", "type": "long"},
    {"name": "Odd_Name", "type": "int"},
]
SCHEMA = json.dumps({"type": "record", "name": "Items", "fields": COLUMNS})


def add_dataset(shop, dataset, schema):
    shop.client.create_schema(name=dataset, schema=schema)
    return make_dataset(shop.client, dataset, schema=dataset)


def test_schema_adds_its_columns_to_the_configuration(shop):
    shop.configure(items={"columns": {"YEAR": "string", "BRAND": "string"}})
    users = SCHEMA.replace("ITEM_ID", "USER_ID")

    dataset = add_dataset(shop, "ITEMS", SCHEMA)
    add_dataset(shop, "USERS", users)
    add_dataset(shop, "INTERACTIONS", users)

    schema_columns = {
        "genre": ColumnType.LIST, "year": ColumnType.NUMBER, "title": ColumnType.STRING, "plot": ColumnType.TEXT,
        "creationTimestamp": ColumnType.TIMESTAMP,
    }  # fmt: skip
    configured_columns = {"year": ColumnType.STRING, "brand": ColumnType.STRING}
    configuration = shop.configuration()
    assert configuration.item_columns == {**schema_columns, **configured_columns}
    assert configuration.user_columns == schema_columns
    shop.client.delete_dataset(datasetArn=dataset)
    assert shop.configuration().item_columns == configured_columns
    assert shop.configuration().user_columns == schema_columns


def test_filter_may_use_the_columns_of_a_schema(shop):
    add_dataset(shop, "ITEMS", SCHEMA)
    create = {"name": "drama", "datasetGroupArn": shop.group}

    shop.client.create_filter(filterExpression='INCLUDE ItemID WHERE Items.GENRE IN ("Drama")', **create)

    assert set(shop.filters()) == {"drama"}
    for expression in ('INCLUDE ItemID WHERE Items.YEAR = "x"', "INCLUDE ItemID WHERE Items.PRICE < 5"):
        code = refusal(shop.client.create_filter, filterExpression=expression, **{**create, "name": "bad"})
        assert code == "InvalidInputException"


def test_dataset_can_be_recreated_with_other_columns(shop, clock):
    shop.client.delete_dataset(datasetArn=add_dataset(shop, "ITEMS", SCHEMA))
    clock.now_s += 61
    shop.client.create_schema(name="other", schema=SCHEMA.replace("GENRE", "KIND"))

    make_dataset(shop.client, schema="other")

    assert "kind" in shop.configuration().item_columns
    assert "genre" not in shop.configuration().item_columns


def test_aliases_and_filters_remain_without_the_resources_table(shop, aws):
    create = {"datasetGroupArn": shop.group, "filterExpression": "INCLUDE ItemID WHERE Items.ITEM_ID IN ($items)"}
    kept = shop.client.create_filter(name="kept", **create)["filterArn"]
    shop.client.create_recommender(**shop.recommender("mine"))
    # As in a second region, the bucket is a copy, and the table lacks these resources.
    for kind, name in (("Filter", "kept"), ("Recommender", "mine")):
        aws("dynamodb").delete_item(TableName="resources", Key={"kind": {"S": kind}, "id": {"S": name}})

    shop.client.create_filter(name="new", **create)

    assert set(shop.filters()) == {"kept", "new"}
    assert set(shop.aliases()) == {"mine"}
    shop.client.create_filter(name="kept", **create)
    shop.client.delete_filter(filterArn=kept)
    assert set(shop.filters()) == {"new"}


BATCH = {
    "filter": None, "filterValues": None, "source": "s3://uploads/in/users.json", "output": "s3://uploads/out/",
}  # fmt: skip


def job_of(version, **fields):
    return {
        "solutionVersionArn": version, "roleArn": "arn:aws:iam::1:role/r", **fields,
        "jobInput": {"s3DataSource": {"path": BATCH["source"]}},
        "jobOutput": {"s3DataDestination": {"path": BATCH["output"]}},
    }  # fmt: skip


def test_batch_inference_job_is_a_batch_workflow_execution(shop, clock):
    version = shop.version(shop.solution())
    shop.end()
    job = job_of(version, jobName="all", numResults=5)

    arn = shop.client.create_batch_inference_job(**job)["batchInferenceJobArn"]

    def status():
        return shop.client.describe_batch_inference_job(batchInferenceJobArn=arn)["batchInferenceJob"]["status"]

    assert status() == "IN PROGRESS"
    assert shop.batch() == {**BATCH, "recommender": "for-you", "numResults": 5}
    shop.end()
    assert status() == "ACTIVE"
    (listed,) = shop.client.list_batch_inference_jobs(solutionVersionArn=version)["batchInferenceJobs"]
    assert (listed["jobName"], listed["status"]) == ("all", "ACTIVE")
    for bad in (
        {"jobInput": {"s3DataSource": {"path": "s3://other/users.json"}}},
        {"jobInput": {"s3DataSource": {"path": "s3://uploads/in/"}}},
        {"jobOutput": {"s3DataDestination": {"path": "s3://other/"}}},
    ):
        code = refusal(shop.client.create_batch_inference_job, **{**job, "jobName": "bad", **bad})
        assert code == "InvalidInputException"
    # The finished job, which cannot be deleted, does not prevent the deletion of its solution.
    shop.client.delete_solution(solutionArn=f"{PREFIX}:solution/for-you")


@pytest.mark.parametrize("recipe", ["aws-item-affinity", "aws-item-attribute-affinity"])
def test_segment_job_is_a_batch_workflow_execution(shop, recipe):
    version = shop.version(shop.solution(recipe=recipe))
    shop.end()
    job = job_of(version, jobName="mailing", numResults=5_000)

    arn = shop.client.create_batch_segment_job(**job)["batchSegmentJobArn"]

    assert arn == f"{PREFIX}:batch-segment-job/mailing"
    found = shop.client.describe_batch_segment_job(batchSegmentJobArn=arn)["batchSegmentJob"]
    assert found["status"] == "IN PROGRESS"
    assert {name: found[name] for name in job} == job
    assert shop.batch() == {**BATCH, "recommender": "segments", "numResults": 5_000}
    shop.end()
    (listed,) = shop.client.list_batch_segment_jobs(solutionVersionArn=version)["batchSegmentJobs"]
    assert (listed["jobName"], listed["status"]) == ("mailing", "ACTIVE")
    filter_arn = f"{PREFIX}:filter/adults"
    refused = refusal(shop.client.create_batch_segment_job, **{**job, "jobName": "bad", "filterArn": filter_arn})
    assert refused == "InvalidInputException"
    for create in (shop.client.create_campaign, shop.client.create_batch_inference_job):
        fields = {"name": "c"} if create == shop.client.create_campaign else {**job, "numResults": 5}
        assert refusal(create, **{**fields, "solutionVersionArn": version}) == "InvalidInputException"


@pytest.mark.parametrize(
    ("recipe", "create"),
    [("aws-similar-items", "create_batch_inference_job"), ("aws-user-personalization", "create_batch_segment_job")],
)
def test_batch_job_of_an_unsuitable_recipe_is_refused(shop, recipe, create):
    version = shop.version(shop.solution(recipe=recipe))
    shop.end()

    assert refusal(getattr(shop.client, create), **job_of(version, jobName="all")) == "InvalidInputException"


@pytest.mark.parametrize("name", ["popular", "summer"])
def test_recommender_name_used_in_the_configuration_is_refused(shop, name):
    shop.configure(aliases={"summer": {"recommender": "popular"}})

    assert refusal(shop.client.create_recommender, **shop.recommender(name)) == "ResourceAlreadyExistsException"
