"""Erasing users and showing them what is held."""

import math
import re
from functools import partial
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra_cdk.constructs.batch_workflow import BATCH_DAYS
from infra_cdk.constructs.erasure_workflow import ErasureWorkflow
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack

OBJECT_VERSION_DAYS = 30
ACCESS_LOG_DAYS = 90
TABLE_BACKUP_DAYS = 35
"""Lifetime of copies that an erasure leaves to expire: of buckets, access logs and DynamoDB tables."""


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
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        function = partial(PythonFunction, self, settings=settings, layers=shared, data=data)
        purge_user = function(
            "purge_user",
            values={
                "object_version_days": OBJECT_VERSION_DAYS,
                "table_backup_days": TABLE_BACKUP_DAYS,
                "access_log_days": ACCESS_LOG_DAYS,
                "batch_days": BATCH_DAYS + 1,  # a day after an object, S3 deletes its last version
                "retrain_days": days_between(settings.training_schedule) or 0,
            },
        )
        workflow = ErasureWorkflow(self, "Workflow", settings=settings, purge_user=purge_user.live, alerts=data.alerts)
        machine_arn = workflow.state_machine.state_machine_arn
        self.erase_user = function("erase_user", values={"state_machine_arn": machine_arn}).live
        self.export_user = function("export_user").live
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={
                "erasure_state_machine_arn": machine_arn,
                "pseudonymise_ids": str(int(settings.pseudonymise_ids)),
            },
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
