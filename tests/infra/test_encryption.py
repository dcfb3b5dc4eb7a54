"""The setting `kms_key_arn`: encrypted resources, and permissions on the key for each role that uses them."""

import json

import pytest

from infra_cdk.constructs.encryption import KEY_ACTIONS
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from infra_cdk.training_settings import TrainingSettings
from tests.infra.assembly import flat, listed, statements, templates, texts

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234-abcd"
BOOTSTRAP_KEY = "arn:aws:kms:us-east-1:123456789012:key/5678-abcd"


@pytest.fixture(scope="session")
def named_key(synthesized):
    return synthesized("ownkey", region="us-east-1", kms_key_arn=KEY, bootstrap_kms_key_arn=BOOTSTRAP_KEY)


def key_of(resource):
    """Return {"own"} if a resource refers to the created key, otherwise an empty set."""
    found = set()

    def search(value):
        match value:
            case {"Fn::GetAtt": [str(name), "Arn"]} if name.startswith("Encryption"):
                found.add("own")
            case {"Fn::ImportValue": str(export)} if "Encryption" in export and "Keys" not in export:
                found.add("own")
            case dict():
                for each in value.values():
                    search(each)
            case list():
                for each in value:
                    search(each)

    search(resource.properties)
    return found


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::DynamoDB::GlobalTable", "AWS::Kinesis::Stream", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret",
        "AWS::Glue::SecurityConfiguration",
    ],
)  # fmt: skip
def test_every_store_uses_the_created_key(kind, audited):
    assert audited.of_type(kind)
    assert [each.logical_id for each in audited.of_type(kind) if key_of(each) != {"own"}] == []


def test_buckets_except_pages_and_access_logs_use_the_key(audited):
    rules = {
        bucket.logical_id[:-8]: bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        for bucket in audited.of_type("AWS::S3::Bucket")
    }

    algorithms = {name: rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for name, rule in rules.items()}
    assert algorithms == {
        "DataLake": "aws:kms", "DataLakeArtefacts": "aws:kms", "DataLakeAccessLogs": "AES256", "AuditBucket": "AES256",
        "WebsitePages": "AES256",
    }  # fmt: skip
    assert rules["DataLake"]["BucketKeyEnabled"]


def needed(role):
    """Return the actions on the key that a role's other actions require, as pairs of a service and an action."""
    return {
        (action.partition(":")[0], on_key)
        for statement in statements(role)
        for action in listed(statement["Action"])
        for on_key in KEY_ACTIONS.get(action, ())
    }


def granted_on(role, key):
    """Return the actions on a key that a role may use through a service, as pairs of a service and an action."""
    return {
        (flat(statement["Condition"]["StringEquals"]["kms:ViaService"]).partition(".")[0], action)
        for statement in statements(role)
        if statement["Resource"] == key and "Condition" in statement
        for action in listed(statement["Action"])
    }


def test_role_of_each_store_has_exactly_the_actions_on_its_key(named_key):
    roles = named_key.of_type("AWS::IAM::Role")

    assert {r.logical_id: granted_on(r, KEY) for r in roles} == {r.logical_id: needed(r) for r in roles}
    assert len([role for role in roles if needed(role)]) > 20


def test_every_role_with_objects_uses_an_encrypted_bucket(named_key):
    # A role's actions on the key are derived from its other actions, so each bucket of the role must use the key.
    of_other_buckets = [
        role.logical_id
        for role in named_key.of_type("AWS::IAM::Role")
        if ("s3", "kms:Decrypt") in needed(role) and "DataLake" not in json.dumps(role.properties["Policies"])
    ]

    assert of_other_buckets == []


def test_separate_policies_need_no_key(named_key):
    actions = {
        action
        for policy in named_key.of_type("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }

    assert not actions & KEY_ACTIONS.keys()


def test_logs_may_use_the_created_key(audited):
    (key,) = [key for key in audited.of_type("AWS::KMS::Key") if key.logical_id.startswith("Encryption")]

    (logs,) = [s for s in key.properties["KeyPolicy"]["Statement"] if "Service" in s["Principal"]]
    assert logs["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    context = flat(logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])
    assert context.endswith(":logs:us-east-1:AWS::AccountId:log-group:*")
    assert key.properties["EnableKeyRotation"]


def training_request(assembly):
    machine = json.loads(flat(assembly.state_machine("training").properties["DefinitionString"]))
    return machine["States"]["Train"]["Parameters"]


def test_training_job_encrypts_its_volume_and_output(named_key, demo):
    request = training_request(named_key)

    assert request["OutputDataConfig"]["KmsKeyId"] == request["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert "KmsKeyId" not in json.dumps(training_request(demo))


@pytest.mark.parametrize(
    ("instance", "local"),
    [
        ("ml.m5.xlarge", False), ("ml.m5d.xlarge", True), ("ml.r5dn.large", True), ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True), ("ml.p3.2xlarge", False), ("ml.p3dn.24xlarge", True), ("ml.c6gd.large", True),
        ("ml.p5en.48xlarge", True), ("ml.p6-b200.48xlarge", True), ("ml.p6e-gb200.36xlarge", True),
    ],
)  # fmt: skip
def test_local_disk_of_an_instance_type_is_known(instance, local):
    assert TrainingSettings(training_instance_type=instance).training_has_local_disk is local


def test_jobs_may_decrypt_their_code_under_the_key_of_the_bootstrap(named_key):
    decrypting = [
        role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        for role in named_key.of_type("AWS::IAM::Role")
        if ("s3", "kms:Decrypt") in granted_on(role, BOOTSTRAP_KEY)
    ]

    assert sorted(decrypting) == ["glue.amazonaws.com", "sagemaker.amazonaws.com"]


def test_template_has_no_own_key_without_the_setting(assembly):
    named = {text for _, template in templates(assembly.directory) for text in texts(template["Resources"])}

    assert not {text for text in named if text.startswith(("Encryption", "KmsKey", "KMSMasterKey"))} - {
        "EncryptionConfiguration", "EncryptionType", "KmsKeyArn",
    }  # fmt: skip
    assert not [text for text in named if text.startswith("kms:Via")]


@pytest.mark.parametrize(
    ("field", "expected"),
    [("kms_key_arn", "'create' or the ARN of a KMS key"), ("bootstrap_kms_key_arn", "the ARN of a KMS key")],
)
@pytest.mark.parametrize("value", ["alias/shop", KEY])
def test_key_of_another_form_or_region_is_refused(field, expected, value):
    with pytest.raises(InvalidSettings, match=f"{field} is '{value}', expected {expected} in eu-west-1"):
        Settings(name="test", region="eu-west-1", **{field: value})
