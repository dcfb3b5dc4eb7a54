import json

import pytest

from alsolike.declarations.storage import TRENDS_PREFIX
from alsolike.trends.counters import BASELINE_S
from tests.infra.assembly import flat, listed

STATEFUL = (
    "AWS::Cognito::UserPool", "AWS::DynamoDB::GlobalTable", "AWS::Kinesis::Stream", "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
)  # fmt: skip


@pytest.mark.parametrize("resource_type", STATEFUL)
def test_production_retains_stored_data_when_its_stack_is_deleted(prod, resource_type):
    resources = prod.of_type(resource_type)

    assert resources
    # A retained resource would remain after the rollback of a failed first deployment.
    except_on_create = "" if resource_type in STATEFUL[:2] else "ExceptOnCreate"
    assert {r.attributes["DeletionPolicy"] for r in resources} == {f"Retain{except_on_create}"}
    assert {r.attributes["UpdateReplacePolicy"] for r in resources} == {"Retain"}


@pytest.mark.parametrize("resource_type", STATEFUL)
def test_demo_deletes_stored_data_with_its_stack(demo, resource_type):
    assert {r.attributes["DeletionPolicy"] for r in demo.of_type(resource_type)} == {"Delete"}


def test_stateful_resources_are_in_separate_stacks(assembly):
    parts = [r.stack.rsplit("-", 1)[1] for kind in STATEFUL[1:] for r in assembly.of_type(kind)]

    assert set(parts) == {"data", "pages"}
    # The bucket of the pages is in another stack, because its contents can be rebuilt from the repository.
    assert parts.count("pages") == 1


def test_delete_markers_without_versions_expire(assembly):
    versioned = [b.properties for b in assembly.of_type("AWS::S3::Bucket") if "VersioningConfiguration" in b.properties]

    assert len(versioned) == 2
    for bucket in versioned:
        rules = bucket["LifecycleConfiguration"]["Rules"]
        (cleaning,) = [rule for rule in rules if rule.get("ExpiredObjectDeleteMarker")]
        assert "Prefix" not in cleaning
        # S3 does not accept both actions in one rule.
        assert "ExpirationInDays" not in cleaning


def test_tables_except_profiles_have_point_in_time_recovery(assembly):
    for table in assembly.of_type("AWS::DynamoDB::GlobalTable"):
        (replica,) = table.properties["Replicas"]
        is_profile_table = table.properties["KeySchema"][0]["AttributeName"] == "profile_id"
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": not is_profile_table}
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"


def test_stacks_of_version_0_2_can_import_their_table_during_an_update(assembly):
    tables = assembly.of_type("AWS::DynamoDB::GlobalTable")
    (old,) = [t.logical_id for t in tables if [k["AttributeName"] for k in t.properties["KeySchema"]] == ["profile_id"]]
    (data,) = assembly.directory.glob("*-data.template.json")
    exported = [output["Value"] for output in json.loads(data.read_bytes())["Outputs"].values()]

    assert {"Ref": old} in exported
    assert {"Fn::GetAtt": [old, "Arn"]} in exported


def test_only_production_tables_are_protected_from_deletion(demo, prod):
    def protected(assembly):
        tables = assembly.of_type("AWS::DynamoDB::GlobalTable")
        return {table.properties["Replicas"][0]["DeletionProtectionEnabled"] for table in tables}

    assert (protected(demo), protected(prod)) == ({False}, {True})


def test_every_bucket_is_private_and_encrypted(assembly):
    buckets = assembly.of_type("AWS::S3::Bucket")

    assert len(buckets) == 4
    for bucket in buckets:
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in bucket.properties


@pytest.mark.parametrize(
    ("resource_type", "policy_type", "key"),
    [("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"), ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics")],
)
def test_buckets_and_topics_refuse_plain_http(assembly, resource_type, policy_type, key):
    refusing = {
        (policy.stack, flat(target))
        for policy in assembly.of_type(policy_type)
        if any(refuses_http(statement) for statement in policy.properties["PolicyDocument"]["Statement"])
        for target in listed(policy.properties[key])
    }

    assert {(r.stack, r.logical_id) for r in assembly.of_type(resource_type)} == refusing


def refuses_http(statement):
    return (
        statement["Effect"] == "Deny"
        and statement["Principal"] in ("*", {"AWS": "*"})
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def test_data_buckets_keep_old_versions_and_log_accesses(assembly):
    data = [bucket for bucket in assembly.of_type("AWS::S3::Bucket") if "LoggingConfiguration" in bucket.properties]

    assert {bucket.properties["LoggingConfiguration"]["LogFilePrefix"] for bucket in data} == {"lake/", "artefacts/"}
    for bucket in data:
        assert bucket.properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert any("NoncurrentVersionExpiration" in rule for rule in rules(bucket))


def test_trend_counters_outlive_a_closed_shard_and_old_versions_expire(assembly):
    buckets = assembly.of_type("AWS::S3::Bucket")
    (rule,) = [rule for bucket in buckets for rule in rules(bucket) if rule.get("Prefix") == TRENDS_PREFIX]

    assert rule["ExpirationInDays"] * 86_400 == 4 * BASELINE_S
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 8}


def test_copies_expire_as_receipts_promise(assembly):
    variables = assembly.function("purge_user").properties["Environment"]["Variables"]

    found = [rule for bucket in assembly.of_type("AWS::S3::Bucket") for rule in rules(bucket)]
    version_days = {
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in found
        if "NoncurrentVersionExpiration" in rule and "Prefix" not in rule  # A shorter expiry for a prefix is permitted.
    }
    bucket_days = {rule["ExpirationInDays"] for rule in found if "ExpirationInDays" in rule and "Prefix" not in rule}
    assert version_days == {int(variables["OBJECT_VERSION_DAYS"])}
    assert bucket_days == {int(variables["ACCESS_LOG_DAYS"])}
    stream = assembly.only("AWS::Kinesis::Stream")
    assert stream.properties["RetentionPeriodHours"] == int(variables["STREAM_HOURS"])
    groups = {group.properties["RetentionInDays"] for group in assembly.of_type("AWS::Logs::LogGroup")}
    assert groups == {int(variables["LOG_DAYS"])}
    (batches,) = [rule for rule in found if rule.get("Prefix") == "batch/"]
    days = batches["ExpirationInDays"] + batches["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert days == int(variables["BATCH_DAYS"])
    assert variables["RETRAIN_DAYS"] == {"demo": "7", "prod": "1"}[assembly.environment]


def rules(bucket):
    return bucket.properties["LifecycleConfiguration"]["Rules"]
