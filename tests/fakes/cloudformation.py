"""CloudFormation in memory: the templates of deployed stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation


class MemoryCloudFormation(MemoryService):
    """All stacks of one account, which tests put into `templates`."""

    def __init__(self) -> None:
        self.templates: dict[str, Mapping[str, Any]] = {}

    @operation("StackName", "TemplateStage")
    def get_template(self, request: Request) -> Response:
        name = request["StackName"]
        if name not in self.templates:
            raise ServiceError("ValidationError", f"Stack with id {name} does not exist")
        return {"TemplateBody": self.templates[name], "StagesAvailable": ["Original", "Processed"]}
