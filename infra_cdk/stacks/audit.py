from collections.abc import Sequence

from constructs import Construct

from infra_cdk.constructs.audit_trail import AuditTrail
from infra_cdk.constructs.backups import Backups
from infra_cdk.constructs.stack_drift import StackDrift
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack
from infra_cdk.stacks.stack import Stack


class AuditStack(Stack):
    """Audit trail, backups and detection of drift, each if its setting is on."""

    def __init__(self, scope: Construct, *, settings: Settings, data: DataStack, stacks: Sequence[str]) -> None:
        super().__init__(scope, "audit", settings=settings, description="audit and backups")
        if settings.audit_trail:
            AuditTrail(self, "Audit", settings=settings, buckets=[data.lake, data.artefacts])
        if settings.backup_days is not None:
            Backups(
                self,
                "Backups",
                settings=settings,
                days=settings.backup_days,
                resource_arns=[
                    *(table.table_arn for table in (data.catalogue, data.users, data.keys, data.resources)),
                    *(bucket.bucket_arn for bucket in (data.lake, data.artefacts)),
                ],
                encryption=data.encryption,
            )
        if settings.stack_drift_schedule is not None:
            StackDrift(
                self,
                "Drift",
                settings=settings,
                schedule=settings.stack_drift_schedule,
                stacks=stacks,
                alerts=data.alerts,
            )
