"""CloudFormation, Lambda and Parameter Store in memory. Functions can be listed, but not invoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation, page


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


class MemoryLambda(MemoryService):
    """Functions of one account. Tests invoke handlers themselves."""

    def __init__(self) -> None:
        self.functions: list[dict[str, Any]] = []
        self.mappings: dict[str, dict[str, Any]] = {}

    @operation()
    def list_functions(self, request: Request) -> Response:
        return {"Functions": self.functions}

    @operation("UUID")
    def get_event_source_mapping(self, request: Request) -> Response:
        if request["UUID"] not in self.mappings:
            raise ServiceError(
                "ResourceNotFoundException", f"The resource {request['UUID']} does not exist.", status=404
            )
        return self.mappings[request["UUID"]]


class MemoryParameters(MemoryService):
    """Parameters of one account."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    @operation("Name", "Value", "Type", "Overwrite")
    def put_parameter(self, request: Request) -> Response:
        if request["Name"] in self._values and not request.get("Overwrite"):
            raise ServiceError("ParameterAlreadyExists", "The parameter already exists.")
        self._values[request["Name"]] = request["Value"]
        return {"Version": 1}

    @operation("Name")
    def get_parameter(self, request: Request) -> Response:
        name = request["Name"]
        if name not in self._values:
            raise ServiceError("ParameterNotFound", f"Parameter {name} not found.")
        return {"Parameter": {"Name": name, "Value": self._values[name]}}

    @operation("Path", "Recursive", "NextToken", "MaxResults")
    def get_parameters_by_path(self, request: Request) -> Response:
        if not request.get("Recursive"):
            raise NotImplementedError("Parameters are listed recursively only.")
        path = request["Path"].rstrip("/") + "/"
        found = [{"Name": name, "Value": value} for name, value in self._values.items() if name.startswith(path)]
        shown, rest = page(found, request, maximum=10)
        return {"Parameters": shown, **rest}
