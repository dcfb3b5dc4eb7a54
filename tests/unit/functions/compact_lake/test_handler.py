import orjson
import pytest

from alsolike.declarations.storage import CONFIGURATION_KEY
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import add_tombstone
from functions.compact_lake import handler
from functions.compact_lake.selection import MergeRules
from operations.configuration.configuration_store import ConfigurationStore
from tests.builders.lakes import counted as events_of
from tests.builders.lakes import keys, row, write
from tests.builders.lambda_events import LambdaContext

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def invoke(aws, lake_bucket, artefact_bucket, monkeypatch):
    secret = aws("secretsmanager").create_secret(Name="secret", SecretString=SECRET)["ARN"]
    variables = {
        "LAKE_BUCKET": lake_bucket,
        "ARTEFACT_BUCKET": artefact_bucket,
        "SECRET_ARN": secret,
    }
    monkeypatch.setattr(handler, "RULES", MergeRules(min_objects=3, quiet_ms=0, grace_ms=0))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return lambda remaining_ms=900_000: handler.lambda_handler({}, LambdaContext(remaining_ms=remaining_ms))


def test_call_returns_and_counts_merged_objects(invoke, aws, lake_bucket, artefact_bucket, counted):
    s3 = aws("s3")
    for n in range(3):
        write(s3, lake_bucket, str(n), [row(f"e{n}", user_id="anna"), row(f"f{n}", user_id="bob")])
    add_tombstone(s3, artefact_bucket, Pseudonyms(SECRET.encode()).erased_user("anna"), now_ms=1)

    first, second = invoke(), invoke()

    nothing = {
        "expired_days": 0, "merged": 0, "written": 0, "removed": 0, "undone": 0, "unreadable": 0, "complete": True,
    }  # fmt: skip
    assert first == {**nothing, "merged": 3, "written": 1}
    assert second == {**nothing, "removed": 3}
    assert [each["event_id"] for each in events_of(s3, lake_bucket)] == ["f0", "f1", "f2"]
    assert counted() == {"LakeObjectsMerged": 3}


def test_configured_retention_removes_older_days(invoke, aws, lake_bucket, artefact_bucket, counted):
    s3 = aws("s3")
    write(s3, lake_bucket, "old", [row("e")], date="2020-01-01")
    assert invoke()["expired_days"] == 0
    configure(s3, artefact_bucket, {"format": 1, "limits": {"retention_days": 365}})

    assert invoke()["expired_days"] == 1

    assert keys(s3, lake_bucket) == []
    assert counted()["LakeDaysExpired"] == 1


def test_call_without_time_is_incomplete_and_merges_nothing(invoke, aws, lake_bucket):
    for n in range(3):
        write(aws("s3"), lake_bucket, str(n), [row(f"e{n}")])

    outcome = invoke(remaining_ms=handler.LAST_STEP_MS)

    assert (outcome["merged"], outcome["complete"]) == (0, False)
    assert invoke()["merged"] == 3


def configure(s3, bucket, document):
    store = ConfigurationStore(s3, bucket)
    text = orjson.dumps(document).decode()
    store.apply(store.current(), document, text=text, by="test", reason="test", now_ms=1)
    assert s3.get_object(Bucket=bucket, Key=CONFIGURATION_KEY)
