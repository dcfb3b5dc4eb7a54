from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from alsolike.runtime.errors import NotFound
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment

_LEVELS_OF_ERRORS = ("ERROR", "CRITICAL", "FATAL")
_ERRORS_OF_LAMBDA = ("[ERROR]", "Task timed out", "Runtime exited with error")
"""Parts of the plain text in which Lambda logs an exception, a timeout, or the end of the process."""

_REPORT = "platform.report"
"""Type of the JSON line in which Lambda reports the status of an invocation."""

_ERRORS_PATTERN = " ".join(f'?"{text}"' for text in (*_LEVELS_OF_ERRORS, *_ERRORS_OF_LAMBDA, _REPORT))
"""CloudWatch filter pattern that selects lines with at least one of the texts."""

_NOT_SHOWN = ("timestamp", "level", "message", "location", "service", "cold_start", "function_memory_size",
              "function_arn", "function_name", "function_request_id", "correlation_id")  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class LogLine:
    """Log line. `level` is empty if the line states none. `details` excludes the fields of the invocation."""

    time_ms: int
    level: str
    message: str
    correlation_id: str | None
    details: Mapping[str, Any]

    @property
    def is_error(self) -> bool:
        """True for errors, including those that Lambda logs: exceptions, timeouts and ended processes."""
        return self.level in _LEVELS_OF_ERRORS or (
            not self.level and any(text in self.message for text in _ERRORS_OF_LAMBDA)
        )


def read_logs(
    deployment: Deployment, function: str, *, since_ms: int, errors: bool = False, correlation_id: str | None = None
) -> Iterator[LogLine]:
    """Yield the log lines of a function, oldest first. `function` is the name of its folder, such as `recommend`."""
    group = _log_group(deployment, function)
    # CloudWatch matches a word anywhere in the line, so the fields are compared below.
    pattern = f'"{correlation_id}"' if correlation_id is not None else _ERRORS_PATTERN if errors else ""
    with translate_aws_errors(f"log group {group}"):
        pages = (
            deployment.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=group, startTime=since_ms, filterPattern=pattern, interleaved=True)
        )
        for page in pages:
            for event in page["events"]:
                line = parse_line(event["message"], time_ms=event["timestamp"])
                if line is None or (errors and not line.is_error):
                    continue
                if correlation_id is None or line.correlation_id == correlation_id:
                    yield line


def parse_line(text: str, *, time_ms: int) -> LogLine | None:
    """Return None for metrics and rows of the recommendation log."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return LogLine(time_ms, "", text.strip(), None, {})
    if "_aws" in fields or "served" in fields:
        return None
    if fields.get("type") == _REPORT:
        status = fields["record"].get("status", "success")
        return LogLine(time_ms, "" if status == "success" else "ERROR", f"invocation: {status}", None, fields["record"])
    details = {name: value for name, value in fields.items() if name not in _NOT_SHOWN}
    message = str(fields.get("message", fields.get("errorMessage", "")))
    return LogLine(time_ms, str(fields.get("level", "")), message, fields.get("correlation_id"), details)


def _log_group(deployment: Deployment, function: str) -> str:
    # The CDK derives the logical ID from the construct's name, such as `ArchiveEvents`.
    logical_id = re.compile(f".*{function.title().replace('_', '')}Log[0-9A-F]{{8}}")
    cloudformation = deployment.client("cloudformation")
    prefix = f"alsolike-{deployment.environment}-"
    with translate_aws_errors("stacks of the deployment"):
        stacks = [
            stack["StackName"]
            for page in cloudformation.get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
            if stack["StackName"].startswith(prefix)
        ]
        for stack in stacks:
            for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
                for resource in page["StackResourceSummaries"]:
                    is_group = resource["ResourceType"] == "AWS::Logs::LogGroup"
                    if is_group and logical_id.fullmatch(resource["LogicalResourceId"]):
                        return str(resource["PhysicalResourceId"])
    raise NotFound(f"no log of a function {function!r}; list the functions with `alsolike status --all`")
