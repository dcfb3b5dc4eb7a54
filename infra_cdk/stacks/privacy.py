from constructs import Construct

from alsolike.declarations.retention import (
    ACCESS_LOG_DAYS,
    BATCH_DAYS,
    FORWARDED_ERASURE_DAYS,
    OBJECT_VERSION_DAYS,
    POINT_IN_TIME_RECOVERY_DAYS,
)
from alsolike.declarations.storage import FORWARDED_ERASURES_PREFIX
from infra_cdk.constructs.erasure_workflow import ErasureWorkflow
from infra_cdk.constructs.function_triggers import invoke_for_objects
from infra_cdk.constructs.metrics import failed_runs
from infra_cdk.schedule_gaps import longest_gap_days
from infra_cdk.stacks.stack import FunctionStack, Region


class PrivacyStack(FunctionStack):
    """Erasure of users and export of their data: functions for the API, and the workflow of an erasure.

    Each region forwards its erasures to the other region, if there is one, in objects that S3 replicates.
    """

    def __init__(self, scope: Construct, region: Region, *, has_two_regions: bool) -> None:
        super().__init__(scope, "privacy", region, description="privacy")
        settings, data = self.settings, self.data
        purge_user = self.function(
            "purge_user",
            values={
                "object_version_days": max(OBJECT_VERSION_DAYS, settings.backup_days or 0),
                "table_backup_days": max(POINT_IN_TIME_RECOVERY_DAYS, settings.backup_days or 0),
                "access_log_days": ACCESS_LOG_DAYS,
                "batch_days": BATCH_DAYS + 1,  # S3 deletes the last version one day after the object
                "retrain_days": longest_gap_days(settings.training_schedule) or 0,
                **({"forwarded_days": FORWARDED_ERASURE_DAYS + 1} if has_two_regions else {}),
            },
        )
        machine = ErasureWorkflow(
            self, "Workflow", settings=settings, purge_user=purge_user.live, alerts=data.alerts
        ).state_machine
        erase_user = self.function(
            "erase_user",
            values={
                "state_machine_arn": machine.state_machine_arn,
                **({"forwards_erasures": 1} if has_two_regions else {}),
            },
        )
        self.erase_user = erase_user.live
        if has_two_regions:
            erase_user.permit(self, "Forwarding", arns={})
            invoke_for_objects(
                erase_user.live,
                self,
                "ErasureForwarded",
                settings=settings,
                purpose="repeat an erasure of the other region",
                bucket=data.artefacts,
                keys=[{"prefix": FORWARDED_ERASURES_PREFIX}],
                retries=185,
                max_age_hours=24,
            )
        self.export_user = self.function("export_user").live
        data.alerts.alarm(self, "ErasureFails", failed_runs(machine), "An erasure failed", runbook="workflows")
        self.publish(
            erasure_state_machine_arn=machine.state_machine_arn, pseudonymise_ids=str(int(settings.pseudonymise_ids))
        )
