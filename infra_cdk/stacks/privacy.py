"""Erasing users and showing them what is held."""

import math
import re
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from alsolike.declarations.storage import (
    CHAMPION_KEY,
    DATASETS_PREFIX,
    ERASURE_RECEIPTS_PREFIX,
    FAILED_BATCHES_PREFIX,
    INTERACTIONS_PREFIX,
    OUTCOMES_PREFIX,
    PENDING_ERASURES_PREFIX,
    QUARANTINE_PREFIX,
    SERVED_PREFIX,
    TOMBSTONES_KEY,
    USER_CHANGES_PREFIX,
)
from infra_cdk.constructs.batch_workflow import BATCH_DAYS
from infra_cdk.constructs.erasure_workflow import ErasureWorkflow
from infra_cdk.constructs.key_access import key_permissions
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.tombstone_access import hash_key_permission
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack

OBJECT_VERSION_DAYS = 30
ACCESS_LOG_DAYS = 90
TABLE_BACKUP_DAYS = 35
"""Lifetime of copies that an erasure leaves to expire: of buckets, access logs and DynamoDB tables."""

_EACH = "The objects are named after erasures, datasets and batches"


class PrivacyStack(cdk.Stack):
    """The functions behind the API's calls, the workflow of an erasure and its function.

    Attributes
    ----------
    erase_user, export_user
        The functions that answer the API.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: DataStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: privacy")
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        workflow = ErasureWorkflow(
            self, "Workflow", settings=settings, purge_user=self._purge_user().live, alerts=data.alerts
        )
        self.erase_user = self._erase_user(workflow.state_machine.state_machine_arn).live
        self.export_user = self._export_user().live
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={
                "erasure_state_machine_arn": workflow.state_machine.state_machine_arn,
                "pseudonymise_ids": str(int(settings.pseudonymise_ids)),
            },
        )

    def _erase_user(self, state_machine_arn: str) -> PythonFunction:
        data = self._data
        return PythonFunction(
            self,
            "EraseUser",
            name="erase_user",
            description="Stops using a user's data, and starts its removal",
            settings=self._settings,
            layers=[self._layers.core],
            data=data,
            values={"state_machine_arn": state_machine_arn},
            permissions=[
                *key_permissions(data),
                Permission(actions=["s3:ListBucket"], resources=[data.artefacts.bucket_arn]),
                Permission(
                    actions=["s3:GetObject", "s3:PutObject"], resources=[data.artefacts.arn_for_objects(TOMBSTONES_KEY)]
                ),
                objects(data.artefacts, PENDING_ERASURES_PREFIX, actions=["s3:PutObject"], reason=_EACH),
                objects(
                    data.artefacts, ERASURE_RECEIPTS_PREFIX, actions=["s3:GetObject", "s3:PutObject"], reason=_EACH
                ),
                Permission(actions=["dynamodb:BatchWriteItem"], resources=[data.profiles.table_arn]),
                Permission(actions=["states:StartExecution"], resources=[state_machine_arn]),
                hash_key_permission(data.hash_key),
            ],
            memory_mb=512,
            timeout_s=29,
        )

    def _purge_user(self) -> PythonFunction:
        data, settings = self._data, self._settings
        lake, artefacts = data.lake, data.artefacts
        change = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        return PythonFunction(
            self,
            "PurgeUser",
            name="purge_user",
            description="Removes an erased user from every store, a part at each call",
            settings=settings,
            layers=[self._layers.core, self._layers.pandas],
            data=data,
            values={
                "object_version_days": OBJECT_VERSION_DAYS,
                "stream_hours": settings.stream_retention_hours,
                "table_backup_days": TABLE_BACKUP_DAYS,
                "log_days": settings.log_retention_days,
                "access_log_days": ACCESS_LOG_DAYS,  # A day after an object S3 deletes its last version.
                "batch_days": BATCH_DAYS + 1,
                "retrain_days": days_between(settings.training_schedule) or 0,
            },
            permissions=[
                Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn, artefacts.bucket_arn]),
                *(
                    objects(lake, prefix, actions=change, reason=_EACH)
                    for prefix in (
                        INTERACTIONS_PREFIX,
                        SERVED_PREFIX,
                        OUTCOMES_PREFIX,
                        USER_CHANGES_PREFIX,
                        FAILED_BATCHES_PREFIX,
                    )
                ),
                objects(lake, QUARANTINE_PREFIX, actions=["s3:GetObject", "s3:DeleteObject"], reason=_EACH),
                hash_key_permission(data.hash_key),
                Permission(
                    actions=["s3:GetObject", "s3:PutObject"], resources=[artefacts.arn_for_objects(TOMBSTONES_KEY)]
                ),
                objects(artefacts, DATASETS_PREFIX, actions=change, reason=_EACH),
                objects(artefacts, ERASURE_RECEIPTS_PREFIX, actions=["s3:GetObject", "s3:PutObject"], reason=_EACH),
                objects(
                    artefacts,
                    PENDING_ERASURES_PREFIX,
                    actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
                    reason=_EACH,
                ),
                Permission(actions=["s3:ListBucketVersions"], resources=[artefacts.bucket_arn]),
                Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(CHAMPION_KEY)]),
                Permission(
                    actions=["dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"],
                    resources=[data.profiles.table_arn],
                ),
                Permission(
                    actions=["dynamodb:GetItem", "dynamodb:DeleteItem"],
                    resources=[data.users.table_arn],
                ),
            ],
            memory_mb=settings.lake_memory_mb,
            timeout_s=900,
        )

    def _export_user(self) -> PythonFunction:
        data = self._data
        return PythonFunction(
            self,
            "ExportUser",
            name="export_user",
            description="Answers with everything that is held about a user",
            settings=self._settings,
            layers=[self._layers.core, self._layers.pandas],
            data=data,
            permissions=[
                *key_permissions(data),
                Permission(actions=["s3:ListBucket"], resources=[data.lake.bucket_arn, data.artefacts.bucket_arn]),
                *(
                    objects(data.lake, prefix, actions=["s3:GetObject"], reason="The user may be in any of them")
                    for prefix in (INTERACTIONS_PREFIX, SERVED_PREFIX, QUARANTINE_PREFIX)
                ),
                objects(data.artefacts, ERASURE_RECEIPTS_PREFIX, actions=["s3:GetObject"], reason=_EACH),
                Permission(actions=["dynamodb:Query", "dynamodb:BatchGetItem"], resources=[data.profiles.table_arn]),
                Permission(actions=["dynamodb:GetItem"], resources=[data.users.table_arn]),
                hash_key_permission(data.hash_key),
            ],
            memory_mb=3_008,
            # The API waits for 30 s.
            timeout_s=29,
        )


def days_between(schedule: str | None) -> int | None:
    """Return how many days at most lie between two firings of a schedule; None without one.

    Only the repeating parts of a cron expression count, so that the answer errs on the long side.
    """
    if schedule is None:
        return None
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule):
        return math.ceil(int(rate[1]) / {"minute": 1_440, "hour": 24, "day": 1}[rate[2]])
    fields = schedule.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != 6:
        return 366
    _, _, day, month, weekday, year = fields
    if month != "*" or year != "*":
        return 366
    if day not in ("*", "?"):
        return 31
    return 1 if weekday in ("*", "?") else 7
