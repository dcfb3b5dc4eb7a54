"""EventBridge Scheduler: schedules and their groups."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

_SCHEDULE = (
    "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "ScheduleExpression",
    "ScheduleExpressionTimezone", "StartDate", "State", "Target",
)  # fmt: skip


def _create_schedule(creation: Creation) -> Created:
    name = creation.name("Name", limit=64)
    arn = creation.clients("scheduler").create_schedule(Name=name, **creation.properties.take(*_SCHEDULE))[
        "ScheduleArn"
    ]
    return Created(name, {"Arn": arn})


def _create_group(creation: Creation) -> Created:
    name = creation.name("Name", limit=64)
    arn = creation.clients("scheduler").create_schedule_group(Name=name, Tags=creation.tag_list())["ScheduleGroupArn"]
    return Created(name, {"Arn": arn})


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Scheduler::Schedule": ResourceType(_create_schedule),
    "AWS::Scheduler::ScheduleGroup": ResourceType(_create_group),
}
