"""Parameter Store in memory."""

from __future__ import annotations

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation, page


class MemoryParameters(MemoryService):
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
