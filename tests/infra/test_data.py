import json

import pytest

from alsolike.declarations.storage import TRENDS_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.lake import lake
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.trends.trends import BASELINE_S
from tests.infra.assembly import flat, listed

STATEFUL = (
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::GlobalTable",
    "AWS::Kinesis::Stream",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
)


EXCEPT_ON_CREATE = "RetainExceptOnCreate"


@pytest.mark.parametrize("resource_type", STATEFUL)
def test_production_retains_stored_data_when_its_stack_is_deleted(prod, resource_type):
    resources = prod.of_type(resource_type)

    assert resources
    # A retained resource would remain after the rollback of a failed first deployment.
    kept = "Retain" if resource_type in ("AWS::Cognito::UserPool", "AWS::DynamoDB::GlobalTable") else EXCEPT_ON_CREATE
    assert {r.attributes["DeletionPolicy"] for r in resources} == {kept}
    assert {r.attributes["UpdateReplacePolicy"] for r in resources} == {"Retain"}


@pytest.mark.parametrize("resource_type", STATEFUL)
def test_demo_deletes_stored_data_with_its_stack(demo, resource_type):
    assert {r.attributes["DeletionPolicy"] for r in demo.of_type(resource_type)} == {"Delete"}


def test_stateful_resources_are_in_separate_stacks(assembly):
    parts = [r.stack.rsplit("-", 1)[1] for kind in STATEFUL[1:] for r in assembly.of_type(kind)]

    assert set(parts) == {"data", "pages"}
    # The only such bucket is that of the pages, which can be rebuilt from the repository.
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


def test_only_the_production_data_stack_has_termination_protection(demo, prod):
    def protected(assembly):
        artifacts = json.loads((assembly.directory / "manifest.json").read_bytes())["artifacts"]
        return [name for name, each in artifacts.items() if each.get("properties", {}).get("terminationProtection")]

    assert (protected(demo), protected(prod)) == ([], ["alsolike-prod-data"])


def test_profiles_table_has_the_configured_warm_throughput(demo, other):
    def warm(assembly):
        tables = assembly.of_type("AWS::DynamoDB::GlobalTable")
        return {table.properties.get("WarmThroughput", {}).get("WriteUnitsPerSecond") for table in tables}

    assert (warm(demo), warm(other)) == ({None}, {None, 8_000})


def test_tables_except_profiles_have_point_in_time_recovery(assembly):
    for table in assembly.of_type("AWS::DynamoDB::GlobalTable"):
        (replica,) = table.properties["Replicas"]
        of_profiles = table.properties["KeySchema"][0]["AttributeName"] == "profile_id"
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": not of_profiles}
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"


def test_tables_have_the_keys_of_the_contract_and_profiles_expire(assembly):
    tables = {
        tuple(key["AttributeName"] for key in table.properties["KeySchema"]): table.properties.get(
            "TimeToLiveSpecification"
        )
        for table in assembly.of_type("AWS::DynamoDB::GlobalTable")
    }

    expires = {"AttributeName": "expires_at", "Enabled": True}
    assert tables == {
        ("profile_id", "sort_key"): expires,
        ("profile_id",): expires,
        ("item_id",): None,
        ("user_id",): None,
        ("key_id",): None,
        ("kind", "id"): expires,
    }


def test_stacks_of_version_0_2_can_import_their_table_during_an_update(assembly):
    (old,) = (
        table.logical_id
        for table in assembly.of_type("AWS::DynamoDB::GlobalTable")
        if [key["AttributeName"] for key in table.properties["KeySchema"]] == ["profile_id"]
    )
    (data,) = (path for path in assembly.directory.glob("*-data.template.json"))
    exported = [output["Value"] for output in json.loads(data.read_bytes())["Outputs"].values()]

    assert {"Ref": old} in exported
    assert {"Fn::GetAtt": [old, "Arn"]} in exported


def test_only_catalogue_and_users_have_streams(assembly):
    streams = {
        table.properties["KeySchema"][0]["AttributeName"]: table.properties.get("StreamSpecification")
        for table in assembly.of_type("AWS::DynamoDB::GlobalTable")
    }

    news = {"StreamViewType": "NEW_IMAGE"}
    assert streams == {"profile_id": None, "item_id": news, "user_id": news, "key_id": None, "kind": None}


def test_only_production_tables_are_protected_from_deletion(demo, prod):
    def protected(assembly):
        tables = assembly.of_type("AWS::DynamoDB::GlobalTable")
        return {table.properties["Replicas"][0]["DeletionProtectionEnabled"] for table in tables}

    assert (protected(demo), protected(prod)) == ({False}, {True})


def test_stream_is_encrypted_with_one_provisioned_shard(demo):
    properties = demo.only("AWS::Kinesis::Stream").properties

    assert properties["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert properties["ShardCount"] == 1
    assert properties["RetentionPeriodHours"] == 24
    assert properties["StreamEncryption"]["EncryptionType"] == "KMS"


def test_every_bucket_is_private_and_encrypted(assembly):
    buckets = assembly.of_type("AWS::S3::Bucket")

    assert len(buckets) == 4
    for bucket in buckets:
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in bucket.properties


@pytest.mark.parametrize(
    ("resource_type", "policy_type", "key"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ],
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


def test_only_the_listed_prefixes_expire(assembly):
    expiring = {
        rule.get("Prefix", "")
        for bucket in assembly.of_type("AWS::S3::Bucket")
        if "LoggingConfiguration" in bucket.properties
        for rule in rules(bucket)
        if "ExpirationInDays" in rule
    }

    assert expiring == {"quarantine/", "aws/lambda/", "served/", "datasets/", "training/", "trends/", "batch/"}


def test_trend_counters_outlive_a_closed_shard_and_old_versions_expire(assembly):
    (rule,) = [
        rule
        for bucket in assembly.of_type("AWS::S3::Bucket")
        for rule in rules(bucket)
        if rule.get("Prefix") == TRENDS_PREFIX
    ]

    assert rule["ExpirationInDays"] * 86_400 == 4 * BASELINE_S
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 8}


def rules(bucket):
    return bucket.properties["LifecycleConfiguration"]["Rules"]


def test_glue_table_has_the_columns_of_the_lake(demo):
    table = demo.glue_table("interactions")

    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}

    assert columns == dict(INTERACTIONS_COLUMNS)
    assert table["PartitionKeys"] == [{"Name": INTERACTIONS_PARTITION, "Type": "string"}]


def test_glue_partition_projection_matches_the_lake_prefix(demo):
    table = demo.glue_table("interactions")

    parameters = {name: flat(value) for name, value in table["Parameters"].items()}

    assert parameters["projection.enabled"] == "true"
    assert parameters["projection.event_date.type"] == "date"
    assert parameters["projection.event_date.range"] == "1970-01-01,NOW+7DAYS"
    template = parameters["storage.location.template"]
    day = template.replace("${event_date}", "2026-11-25").partition("/interactions/")[2]
    assert f"interactions/{day}" == lake.partition_prefix("2026-11-25")


def test_each_secret_is_generated_separately(assembly):
    secrets = assembly.of_type("AWS::SecretsManager::Secret")

    assert len(secrets) == 2
    for secret in secrets:
        assert secret.properties["GenerateSecretString"] == {"PasswordLength": 64, "ExcludePunctuation": True}
