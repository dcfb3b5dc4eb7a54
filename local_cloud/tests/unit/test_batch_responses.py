import json

import pytest

from local_cloud.sources.poller import failed_items

BATCH = ["1", "2", "3"]


@pytest.mark.parametrize(
    ("payload", "failed"),
    [
        *((json.dumps(response), "") for response in (None, {}, {"batchItemFailures": None}, {"statusCode": 200})),
        ("", ""),
        *((text, "123") for text in ("not json", '"done"', "[]")),
    ],
)
def test_response_without_failures_means_success_if_it_is_an_object(payload, failed):
    assert failed_items(payload.encode(), BATCH) == set(failed)


@pytest.mark.parametrize(
    ("failures", "failed"),
    [
        ([], ""),
        ([{"itemIdentifier": "3"}, {"itemIdentifier": "2"}], "23"),
        ([{"itemIdentifier": ""}], "123"),
        ([{"itemIdentifier": None}], "123"),
        ([{"itemIdentifier": ["1"]}], "123"),
        ([{"itemIdentifier": {}}], "123"),
        ([{"identifier": "1"}], "123"),
        ([{"itemIdentifier": "1"}, {"itemIdentifier": "9"}], "123"),
        (["1"], "123"),
        ("1", "123"),
    ],
)
def test_malformed_and_unknown_identifiers_fail_the_batch(failures, failed):
    assert failed_items(json.dumps({"batchItemFailures": failures}).encode(), BATCH) == set(failed)
