"""Daily backups of tables and buckets in a vault with a lock."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.settings import Settings

LOCK_DELAY_DAYS = 3
"""Days after which a lock in compliance mode cannot be removed. This is AWS Backup's minimum."""
_POLICIES = ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup")


class Backups(Construct):
    """Plan of AWS Backup. The vault outlives its stack, because AWS deletes no vault with backups."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        days: int,
        resource_arns: Sequence[str],
        encryption: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        compliance = settings.backup_lock == "compliance"
        vault = backup.BackupVault(
            self,
            "Vault",
            encryption_key=encryption,
            lock_configuration=backup.LockConfiguration(
                min_retention=cdk.Duration.days(days),
                changeable_for=cdk.Duration.days(LOCK_DELAY_DAYS) if compliance else None,
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        plan = backup.BackupPlan(
            self,
            "Plan",
            backup_plan_rules=[
                backup.BackupPlanRule(rule_name="daily", backup_vault=vault, delete_after=cdk.Duration.days(days))
            ],
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            description=f"Alsolike {settings.name}: permissions of AWS Backup",
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    f"service-role/{name}" if name.endswith("ForBackup") else name
                )
                for name in _POLICIES
            ],
        )
        for name in _POLICIES:
            path = f"service-role/{name}" if name.endswith("ForBackup") else name
            acknowledge(
                role,
                finding=f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{path}]",
                reason="AWS documents these policies for AWS Backup and changes them with the service",
            )
        backup.BackupSelection(
            self,
            "Selection",
            backup_plan=plan,
            role=role.without_policy_updates(),
            resources=[backup.BackupResource.from_arn(arn) for arn in resource_arns],
        )
