"""Erasures: status 202 before the deletion, 400 for an invalid ID, no user ID in the response, and a second region."""

import orjson
import pytest

from alsolike.declarations.storage import TOMBSTONES_KEY
from alsolike.privacy.tombstones import TombstoneReader
from functions.erase_user import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event

USER = "ann.lee"
MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def machine(aws, artefact_bucket, profiles_table, pseudonyms, set_variables):
    role = "arn:aws:iam::123456789012:role/workflow"
    definition = orjson.dumps(MACHINE).decode()
    made = aws("stepfunctions").create_state_machine(name="erasure", definition=definition, roleArn=role)
    set_variables(STATE_MACHINE_ARN=made["stateMachineArn"])
    return made["stateMachineArn"]


@pytest.fixture
def erase_user(machine):
    def erase(user):
        event = http_event("DELETE /users/{userId}", path={"userId": user})
        answer = handler.lambda_handler(event, LambdaContext())
        return {**answer, "document": orjson.loads(answer["body"])}

    return erase


def erased(s3, bucket, pseudonyms, user):
    return TombstoneReader(s3, bucket, lambda: pseudonyms).erased(user, now_ms=NOW_MS)


def executions(aws, machine):
    return [each["name"] for each in aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"]]


def test_erasure_is_accepted_with_its_id(erase_user, aws, artefact_bucket, machine, pseudonyms, counted):
    answer = erase_user("ann.lee")

    erasure = pseudonyms.erased_user("ann.lee")[:32]
    assert (answer["statusCode"], answer["document"]) == (202, {"erasureId": erasure, "status": "running"})
    assert executions(aws, machine) == [f"{erasure}-1"]
    assert erased(aws("s3"), artefact_bucket, pseudonyms, "ann.lee")
    assert counted() == {"ErasuresRequested": 1}


def test_pseudonymised_user_is_erased_under_the_stored_id(erase_user, aws, artefact_bucket, pseudonyms, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")

    erasure = erase_user("ann.lee")["document"]["erasureId"]

    stored = pseudonyms.user("ann.lee")
    pending = aws("s3").get_object(Bucket=artefact_bucket, Key=f"privacy/pending/{erasure}.json")["Body"].read()
    assert orjson.loads(pending)["user_id"] == stored
    assert erased(aws("s3"), artefact_bucket, pseudonyms, stored)
    assert not erased(aws("s3"), artefact_bucket, pseudonyms, "ann.lee")


@pytest.mark.parametrize("user", ["", " ", "u" * 257, "~!", "~_w"])
def test_invalid_user_id_is_refused_and_erases_no_user(user, erase_user, aws, artefact_bucket, counted):
    answer = erase_user(user)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (400, "InvalidInputException")
    assert aws("s3").list_objects_v2(Bucket=artefact_bucket)["KeyCount"] == 0
    assert counted() == {"RequestsRejected": 1}


def test_workflow_that_does_not_start_returns_503(erase_user, aws, machine):
    aws("stepfunctions").delete_state_machine(stateMachineArn=machine)

    answer = erase_user("ann.lee")

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
    assert "the erasure's workflow does not start" in answer["document"]["message"]


@pytest.mark.parametrize("fails", [False, True])
def test_log_names_the_erasure_id_and_not_the_user(fails, erase_user, aws, artefact_bucket, pseudonyms, logged):
    if fails:
        aws("s3").put_object(Bucket=artefact_bucket, Key=TOMBSTONES_KEY, Body=b"?")

    status = erase_user("ann.lee")["statusCode"]

    assert status == (503 if fails else 202)
    assert "ann.lee" not in logged()
    assert (pseudonyms.erased_user("ann.lee")[:32] in logged()) is not fails


@pytest.fixture
def region(machine, set_variables):
    set_variables(AWS_REGION="eu-west-1", FORWARDS_ERASURES="1")
    return "eu-west-1"


def created(key):
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": key}}}


def forwarded(s3, bucket):
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="privacy/forwarded/").get("Contents", [])
    return {each["Key"]: orjson.loads(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in listed}


def test_erasure_is_forwarded_with_its_region(erase_user, region, aws, artefact_bucket, pseudonyms):
    erase_user(USER)

    ((key, request),) = forwarded(aws("s3"), artefact_bucket).items()
    assert key.startswith(f"privacy/forwarded/{pseudonyms.erased_user(USER)[:32]}-")
    assert request == {"user_id": USER, "region": region}


def test_erasure_stays_in_a_deployment_with_one_region(erase_user, region, aws, artefact_bucket, monkeypatch):
    monkeypatch.delenv("FORWARDS_ERASURES")

    assert erase_user(USER)["statusCode"] == 202

    assert forwarded(aws("s3"), artefact_bucket) == {}


@pytest.mark.parametrize(("origin", "is_erased"), [("eu-central-1", True), ("eu-west-1", False)])
def test_only_erasures_of_the_other_region_are_repeated(region, aws, artefact_bucket, pseudonyms, origin, is_erased):
    key = "privacy/forwarded/1.json"
    body = orjson.dumps({"user_id": USER, "region": origin})
    aws("s3").put_object(Bucket=artefact_bucket, Key=key, Body=body)

    for _ in range(2):  # EventBridge delivers at least once.
        handler.lambda_handler(created(key), LambdaContext())

    assert erased(aws("s3"), artefact_bucket, pseudonyms, USER) is is_erased
    assert list(forwarded(aws("s3"), artefact_bucket)) == [key]


def test_expired_request_is_ignored(region, aws, artefact_bucket, pseudonyms):
    handler.lambda_handler(created("privacy/forwarded/gone.json"), LambdaContext())

    assert not erased(aws("s3"), artefact_bucket, pseudonyms, USER)
