"""Import jobs as executions of the import workflow."""

import json

import pytest

from tests.unit.functions.personalize.client import AVRO, IMPORTS, PREFIX, make_dataset, make_group, refusal


@pytest.fixture
def job(personalize):
    make_group(personalize)
    dataset = make_dataset(personalize, "INTERACTIONS")
    source = {"dataLocation": "s3://uploads/2026/interactions.csv"}
    return {"jobName": "first", "datasetArn": dataset, "dataSource": source, "roleArn": "arn:aws:iam::1:role/r"}


def status(personalize):
    found = personalize.describe_dataset_import_job(datasetImportJobArn=f"{PREFIX}:dataset-import-job/first")
    return found["datasetImportJob"]["status"]


def started(aws):
    (execution,) = aws("stepfunctions").list_executions(stateMachineArn=IMPORTS)["executions"]
    return json.loads(aws("stepfunctions").describe_execution(executionArn=execution["executionArn"])["input"])


def test_import_job_is_a_workflow_execution(personalize, job, aws, cloud):
    arn = personalize.create_dataset_import_job(**job)["datasetImportJobArn"]

    assert arn == f"{PREFIX}:dataset-import-job/first"
    assert status(personalize) == "CREATE IN_PROGRESS"
    location = job["dataSource"]["dataLocation"]
    assert started(aws) == {"job": "first", "dataset": "INTERACTIONS", "location": location}
    cloud.step_functions.end_all()
    assert status(personalize) == "ACTIVE"
    (listed,) = personalize.list_dataset_import_jobs(datasetArn=job["datasetArn"])["datasetImportJobs"]
    assert (listed["jobName"], listed["status"]) == ("first", "ACTIVE")
    assert refusal(personalize.create_dataset_import_job, **job) == "ResourceAlreadyExistsException"


@pytest.mark.parametrize("dataset_type", ["ACTIONS", "ACTION_INTERACTIONS"])
def test_actions_are_imported(personalize, job, aws, dataset_type):
    personalize.create_schema(name=dataset_type, schema=AVRO)
    arn = make_dataset(personalize, dataset_type, schema=dataset_type)

    personalize.create_dataset_import_job(**{**job, "datasetArn": arn})

    assert status(personalize) == "CREATE IN_PROGRESS"
    assert started(aws)["dataset"] == dataset_type


def test_failed_job_has_status_create_failed(personalize, job, cloud):
    personalize.create_dataset_import_job(**job)

    cloud.step_functions.end_all("FAILED")

    assert status(personalize) == "CREATE FAILED"


def test_job_reports_rejected_rows(personalize, job, cloud):
    arn = personalize.create_dataset_import_job(**job)["datasetImportJobArn"]
    rows = {"imported": 2, "rejected": 1, "quarantined": 1, "reasons": "USER_ID is missing (1)"}
    cloud.step_functions.end_all(output={"rows": rows})

    found = personalize.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]

    assert found["status"] == "ACTIVE"
    assert found["failureReason"] == "1 of 3 rows were rejected (1 in quarantine): USER_ID is missing (1)"


def test_job_without_its_execution_fails(personalize, job, cloud):
    personalize.create_dataset_import_job(**job)

    cloud.step_functions.forget_all()

    (listed,) = personalize.list_dataset_import_jobs(datasetArn=job["datasetArn"])["datasetImportJobs"]
    assert listed["status"] == "CREATE FAILED"
    assert "does not store the execution any more" in listed["failureReason"]
    assert status(personalize) == "CREATE FAILED"  # The failure is stored.


@pytest.mark.parametrize("location", ["s3://other/a.csv", "uploads/a.csv", "s3://"])
def test_import_from_an_unlisted_bucket_is_refused(personalize, job, location):
    with pytest.raises(personalize.exceptions.InvalidInputException, match="import_buckets: uploads, more-uploads"):
        personalize.create_dataset_import_job(**{**job, "dataSource": {"dataLocation": location}})


def test_import_into_the_events_dataset_of_a_tracker_is_refused(personalize, job):
    personalize.create_event_tracker(name="tracker", datasetGroupArn=f"{PREFIX}:dataset-group/shop")
    dataset = f"{PREFIX}:dataset/shop/EVENT_INTERACTIONS"

    code = refusal(personalize.create_dataset_import_job, **{**job, "datasetArn": dataset})

    assert code == "InvalidInputException"
