"""Trails of CloudTrail, and vaults, plans and selections of AWS Backup. Nothing is recorded or copied here."""

from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_trail(creation: Creation) -> Created:
    properties = creation.properties
    properties.keep("AdvancedEventSelectors", "EnableLogFileValidation", "IsLogging", "S3BucketName", "Tags")
    name = creation.name("TrailName", limit=128)
    return Created(name, {"Arn": creation.arn("cloudtrail", f"trail/{name}")})


def _create_vault(creation: Creation) -> Created:
    properties = creation.properties
    properties.keep("AccessPolicy", "BackupVaultTags", "EncryptionKeyArn", "LockConfiguration", "Notifications")
    name = creation.name("BackupVaultName", limit=50)
    return Created(name, {"BackupVaultName": name, "BackupVaultArn": creation.arn("backup", f"backup-vault:{name}")})


def _create_plan(creation: Creation) -> Created:
    creation.properties.keep("BackupPlan", "BackupPlanTags")
    name = creation.name(None, limit=50)
    arn = creation.arn("backup", f"backup-plan:{name}")
    return Created(name, {"BackupPlanId": name, "BackupPlanArn": arn, "VersionId": "1"})


def _create_selection(creation: Creation) -> Created:
    creation.properties.keep("BackupPlanId", "BackupSelection")
    name = creation.name(None, limit=50)
    return Created(name, {"Id": name, "SelectionId": name})


TYPES: Final = {
    "AWS::Backup::BackupPlan": ResourceType(_create_plan),
    "AWS::Backup::BackupSelection": ResourceType(_create_selection),
    "AWS::Backup::BackupVault": ResourceType(_create_vault),
    "AWS::CloudTrail::Trail": ResourceType(_create_trail),
}
