"""Erasures are forwarded to the other region, which erases the user too and forwards nothing back."""

import orjson
import pytest

from alsolike.privacy.tombstones import TombstoneReader
from functions.erase_user import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event

USER = "ann.lee"


@pytest.fixture
def region(machine, set_variables):
    set_variables(AWS_REGION="eu-west-1", FORWARDS_ERASURES="1")
    return "eu-west-1"


def request_erasure():
    answer = handler.lambda_handler(http_event("DELETE /users/{userId}", path={"userId": USER}), LambdaContext())
    assert answer["statusCode"] == 202


def created(key):
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": key}}}


def forwarded(s3, bucket):
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="privacy/forwarded/").get("Contents", [])
    return {each["Key"]: orjson.loads(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in listed}


def erased(s3, bucket, pseudonyms):
    return TombstoneReader(s3, bucket, lambda: pseudonyms).erased(USER, now_ms=NOW_MS)


def test_erasure_is_forwarded_with_its_region(region, aws, artefact_bucket, pseudonyms):
    request_erasure()

    ((key, request),) = forwarded(aws("s3"), artefact_bucket).items()
    assert key.startswith(f"privacy/forwarded/{pseudonyms.erased_user(USER)[:32]}-")
    assert request == {"user_id": USER, "region": region}


def test_erasure_stays_in_a_deployment_with_one_region(region, aws, artefact_bucket, monkeypatch):
    monkeypatch.delenv("FORWARDS_ERASURES")

    request_erasure()

    assert forwarded(aws("s3"), artefact_bucket) == {}


@pytest.mark.parametrize(("origin", "is_erased"), [("eu-central-1", True), ("eu-west-1", False)])
def test_only_erasures_of_the_other_region_are_repeated(region, aws, artefact_bucket, pseudonyms, origin, is_erased):
    key = "privacy/forwarded/1.json"
    body = orjson.dumps({"user_id": USER, "region": origin})
    aws("s3").put_object(Bucket=artefact_bucket, Key=key, Body=body)

    for _ in range(2):  # EventBridge delivers at least once.
        handler.lambda_handler(created(key), LambdaContext())

    assert erased(aws("s3"), artefact_bucket, pseudonyms) is is_erased
    assert list(forwarded(aws("s3"), artefact_bucket)) == [key]


def test_expired_request_is_ignored(region, aws, artefact_bucket, pseudonyms):
    handler.lambda_handler(created("privacy/forwarded/gone.json"), LambdaContext())

    assert not erased(aws("s3"), artefact_bucket, pseudonyms)
