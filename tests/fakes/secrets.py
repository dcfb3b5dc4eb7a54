"""Secrets Manager in memory: secrets with their current and their previous value."""

from __future__ import annotations

from tests.fakes.service import ACCOUNT_ID, REGION, MemoryService, Request, Response, ServiceError, operation

_STAGES = ("AWSCURRENT", "AWSPREVIOUS")


class MemorySecrets(MemoryService):
    """All secrets of one account."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}  # by ARN, the newest first

    @operation("Name", "SecretString", "ClientRequestToken")
    def create_secret(self, request: Request) -> Response:
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{request['Name']}-memory"
        if arn in self._values:
            raise ServiceError(
                "ResourceExistsException", "A resource with the ID you requested already exists.", status=400
            )
        self._values[arn] = [request["SecretString"]]
        return {"ARN": arn, "Name": request["Name"]}

    @operation("SecretId", "SecretString", "ClientRequestToken")
    def put_secret_value(self, request: Request) -> Response:
        arn = self._arn(request)
        self._values[arn].insert(0, request["SecretString"])
        return {"ARN": arn, "VersionStages": ["AWSCURRENT"]}

    @operation("SecretId", "VersionStage")
    def get_secret_value(self, request: Request) -> Response:
        arn, stage = self._arn(request), request.get("VersionStage", "AWSCURRENT")
        values = dict(zip(_STAGES, self._values[arn], strict=False))
        if stage not in values:
            message = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
            raise ServiceError("ResourceNotFoundException", message)
        return {"ARN": arn, "SecretString": values[stage], "VersionStages": [stage]}

    def _arn(self, request: Request) -> str:
        wanted = request["SecretId"]
        for arn in self._values:
            partial = arn.removesuffix("-memory")  # without the suffix that the service appends
            if wanted in (arn, partial, partial.rpartition(":")[2]):
                return arn
        raise ServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
