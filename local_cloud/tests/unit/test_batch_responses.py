import json

import pytest

from local_cloud.sources.poller import failed_items

BATCH = ["1", "2", "3"]


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"statusCode": 200}]
)
def test_empty_and_null_responses_mean_success(response):
    assert failed_items(json.dumps(response).encode(), BATCH) == set()


def test_empty_payload_means_success():
    assert failed_items(b"", BATCH) == set()


def test_identifiers_in_the_response_are_failed_records():
    response = {"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}

    assert failed_items(json.dumps(response).encode(), BATCH) == {"2", "3"}


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": ["1"]}],
        [{"itemIdentifier": {}}],
        [{"identifier": "1"}],
        [{"itemIdentifier": "1"}, {"itemIdentifier": "9"}],
        ["1"],
        "1",
    ],
)
def test_malformed_and_unknown_identifiers_fail_the_batch(failures):
    assert failed_items(json.dumps({"batchItemFailures": failures}).encode(), BATCH) == set(BATCH)


@pytest.mark.parametrize("payload", [b"not json", b'"done"', b"[]"])
def test_response_that_is_no_object_fails_the_batch(payload):
    assert failed_items(payload, BATCH) == set(BATCH)
