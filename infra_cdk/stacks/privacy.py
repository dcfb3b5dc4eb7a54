from functools import partial
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from alsolike.declarations.retention import (
    ACCESS_LOG_DAYS,
    BATCH_DAYS,
    FORWARDED_ERASURE_DAYS,
    OBJECT_VERSION_DAYS,
    POINT_IN_TIME_RECOVERY_DAYS,
)
from alsolike.declarations.storage import FORWARDED_ERASURES_PREFIX
from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.erasure_workflow import ErasureWorkflow
from infra_cdk.constructs.metrics import failed_runs
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.schedule_gaps import longest_gap_days
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class PrivacyStack(Stack):
    """Erasure of users and export of their data: functions for the API, and the workflow of an erasure.

    Each region forwards its erasures to the other region, if there is one, in objects that S3 replicates.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: StoredData,
        layers: Path,
        has_two_regions: bool,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: privacy")
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        function = partial(PythonFunction, self, settings=settings, layers=shared, data=data)
        purge_user = function(
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
        workflow = ErasureWorkflow(self, "Workflow", settings=settings, purge_user=purge_user.live, alerts=data.alerts)
        machine_arn = workflow.state_machine.state_machine_arn
        erase_user = function(
            "erase_user",
            values={"state_machine_arn": machine_arn, **({"forwards_erasures": 1} if has_two_regions else {})},
        )
        self.erase_user = erase_user.live
        if has_two_regions:
            self._repeat_erasures(erase_user, settings=settings, data=data)
        self.export_user = function("export_user").live
        alarm(
            self,
            "ErasureFails",
            metric=failed_runs(workflow.state_machine),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: An erasure failed: docs/runbooks/workflows.md",
            alerts=data.alerts,
        )
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={
                "erasure_state_machine_arn": machine_arn,
                "pseudonymise_ids": str(int(settings.pseudonymise_ids)),
            },
        )

    def _repeat_erasures(self, erase_user: PythonFunction, *, settings: Settings, data: StoredData) -> None:
        erase_user.permit(self, "Forwarding", arns={})
        events.Rule(
            self,
            "ErasureForwarded",
            description=f"Alsolike {settings.name}: repeat an erasure of the other region",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [data.artefacts.bucket_name]},
                    "object": {"key": [{"prefix": FORWARDED_ERASURES_PREFIX}]},
                },
            ),
            targets=[targets.LambdaFunction(erase_user.live, retry_attempts=185, max_event_age=cdk.Duration.hours(24))],
        )
