"""Version of a Lambda function as configured by its template, and results of its invocations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


class ThrottledError(Exception):
    """Error for an invocation beyond a concurrency limit, or after the end of the cloud.

    `reserved` is None if too many invocations wait for an environment, and after the end of the cloud.
    """

    def __init__(self, name: str, *, reserved: int | None = None, waiting: int = 0) -> None:
        self.name = name
        self.reserved = reserved
        limit = (
            f"{waiting} invocations of {name} are waiting already"
            if reserved is None
            else f"{name} reserves {reserved} concurrent executions, and all are in use"
        )
        super().__init__(f"Rate Exceeded: {limit}")


class FunctionNotFoundError(Exception):
    def __init__(self, arn: str) -> None:
        super().__init__(f"Function not found: {arn}")


@dataclass(frozen=True, slots=True)
class Function:
    """Version of a function. `code` is its zip file, and `layers` are ARNs of layer versions in merging order."""

    name: str
    version: str
    arn: str
    handler: str
    code: bytes
    code_sha256: str
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
    layers: tuple[str, ...]
    log_group: str
    role: str
    log_format: str = "Text"
    system_log_level: str = "INFO"
    reserved_concurrency: int | None = None

    @property
    def revision(self) -> "Function":
        """Properties that determine the execution environment. A change requires a new environment."""
        return replace(self, code=b"", reserved_concurrency=None)


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """Result of an invocation. `error` is Lambda's `X-Amz-Function-Error`, or None."""

    request_id: str
    payload: bytes
    error: str | None
    executed_version: str
    duration_ms: float


def dimensions_of(name: str, function_arn: str) -> list[dict[str, str]]:
    """Return the dimension sets of Lambda's metrics: one for the function, and one for the alias or version, if any."""
    qualifier = function_arn.split(":")[7:8]
    return [{"FunctionName": name}, *({"FunctionName": name, "Resource": f"{name}:{each}"} for each in qualifier)]
