"""Settings of audit and backup: trail, locked backups, drift detection and protected stacks."""

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest

from infra_cdk.settings import Settings
from infra_cdk.stacks.audit import AuditStack
from infra_cdk.stacks.data import DataStack
from operations import cost
from tests.infra.assembly import Assembly, flat, in_stack, listed, statements


def protected(assembly: Assembly) -> set[str]:
    manifest = json.loads((assembly.directory / "manifest.json").read_bytes())["artifacts"]
    return {name for name, each in manifest.items() if each.get("properties", {}).get("terminationProtection")}


def policy_of(assembly: Assembly, bucket: str) -> list[dict[str, Any]]:
    (policy,) = [
        each
        for each in in_stack(assembly, "audit", "AWS::S3::BucketPolicy")
        if flat(each.properties["Bucket"]) == bucket
    ]
    found: list[dict[str, Any]] = policy.properties["PolicyDocument"]["Statement"]
    return found


def test_trail_records_objects_of_both_buckets_with_personal_data(audited):
    trail = audited.only("AWS::CloudTrail::Trail").properties

    (selector,) = trail["AdvancedEventSelectors"]
    fields = {each["Field"]: each for each in selector["FieldSelectors"]}
    assert fields["eventCategory"]["Equals"] == ["Data"]
    assert fields["resources.type"]["Equals"] == ["AWS::S3::Object"]
    buckets = [flat(arn) for arn in fields["resources.ARN"]["StartsWith"]]
    assert ["DataLakeArtefacts" in bucket for bucket in buckets] == [False, True]
    assert all("DataLake" in bucket and bucket.endswith("/") for bucket in buckets)
    assert (trail["IsLogging"], trail["EnableLogFileValidation"]) == (True, True)


def test_only_the_trail_may_write_to_its_bucket(audited):
    bucket = audited.only("AWS::CloudTrail::Trail").properties["S3BucketName"]["Ref"]
    allowed = [each for each in policy_of(audited, bucket) if each["Effect"] == "Allow"]

    assert {each["Principal"]["Service"] for each in allowed} == {"cloudtrail.amazonaws.com"}
    assert {each["Action"] for each in allowed} == {"s3:GetBucketAcl", "s3:PutObject"}
    sources = {flat(each["Condition"]["StringEquals"]["aws:SourceArn"]) for each in allowed}
    assert {source.rpartition(":")[2] for source in sources} == {"trail/alsolike-audited"}


def test_backups_of_tables_and_buckets_are_kept_in_a_locked_vault(audited):
    vault = audited.only("AWS::Backup::BackupVault")
    (rule,) = audited.only("AWS::Backup::BackupPlan").properties["BackupPlan"]["BackupPlanRule"]
    selected = audited.only("AWS::Backup::BackupSelection").properties["BackupSelection"]["Resources"]

    assert vault.properties["LockConfiguration"] == {"ChangeableForDays": 3, "MinRetentionDays": 60}
    assert vault.attributes["DeletionPolicy"] == "Retain"
    assert rule["Lifecycle"] == {"DeleteAfterDays": 60}
    exported = [flat(each).removeprefix("ExportsOutputFnGetAtt") for each in selected]
    names = {re.sub(r"[0-9A-F]{8}Arn.*", "", name) for name in exported}
    assert names == {"Catalogue", "DataLake", "DataLakeArtefacts", "Keys", "Resources", "Users"}


def test_receipts_of_erasures_name_the_days_of_the_backups(audited, demo):
    def days(assembly: Assembly) -> tuple[str, str]:
        variables = assembly.function("purge_user").properties["Environment"]["Variables"]
        return variables["OBJECT_VERSION_DAYS"], variables["TABLE_BACKUP_DAYS"]

    assert days(audited) == ("60", "60")
    assert days(demo) == ("30", "35")


def test_drift_is_detected_in_all_stacks_without_reading_data(audited):
    machine = audited.state_machine("audit")
    definition = json.loads(flat(machine.properties["DefinitionString"]))
    role = audited.referred(machine.properties["RoleArn"], stack=machine.stack)

    stacks = set(definition["States"]["Names"]["Parameters"]["stacks"])
    assert stacks == {each.stack for each in audited.resources} - {"alsolike-audited-audit"}
    (denied,) = statements(role, effect="Deny")
    assert {"s3:GetObject", "dynamodb:Scan", "kinesis:GetRecords"} <= set(listed(denied["Action"]))
    (schedule,) = in_stack(audited, "audit", "AWS::Events::Rule")
    assert schedule.properties["ScheduleExpression"] == "rate(30 days)"


def test_operators_are_notified_of_a_failed_drift_detection(audited):
    definition = json.loads(flat(audited.state_machine("audit").properties["DefinitionString"]))
    states = definition["States"]["Stacks"]["ItemProcessor"]["States"]

    for name in ("Detect", "Look"):
        (caught,) = states[name]["Catch"]
        assert caught["ErrorEquals"] == ["States.ALL"]
        notice = states[caught["Next"]]
        assert notice["Resource"].endswith(":sns:publish")
        assert notice["Parameters"]["Message"]["stack.$"] == "$$.Map.Item.Value"


def test_setting_protects_the_stacks_with_stores(audited, demo, prod):
    prefix = "alsolike-audited"

    assert protected(audited) == {f"{prefix}-data", f"{prefix}-serving", f"{prefix}-training"}
    assert protected(demo) == set()
    assert protected(prod) == {"alsolike-prod-data"}


def test_bill_counts_trail_and_backups(audited, demo):
    audited_cost, demo_cost = (cost.read_assembly(each.directory) for each in (audited, demo))

    assert (audited_cost.counts["AWS::CloudTrail::Trail"], audited_cost.backup_days) == (1, 60)
    assert (demo_cost.counts["AWS::CloudTrail::Trail"], demo_cost.backup_days) == (0, 0)


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({"audit_trail": True}, {"AWS::CloudTrail::Trail"}),
        ({"backup_days": 7}, {"AWS::Backup::BackupVault"}),
        ({"stack_drift_schedule": "rate(30 days)"}, {"AWS::StepFunctions::StateMachine"}),
    ],
)
def test_each_setting_adds_only_its_resources(settings, kinds, tmp_path):
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    given = Settings(name="shop", region="us-east-1", **settings)
    AuditStack(app, settings=given, data=DataStack(app, settings=given), stacks=["alsolike-shop-data"])
    template = app.synth().get_stack_by_name("alsolike-shop-audit").template

    distinct = {"AWS::CloudTrail::Trail", "AWS::Backup::BackupVault", "AWS::StepFunctions::StateMachine"}
    assert {each["Type"] for each in template["Resources"].values()} & distinct == kinds
