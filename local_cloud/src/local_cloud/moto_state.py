"""Access to moto's objects in this process."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.events.models import EventPattern
from moto.moto_api._internal import mock_random

from local_cloud.deployment import Deployment
from local_cloud.execution.function import Function, FunctionNotFoundError
from local_cloud.resources.functions import is_external_layer


class MotoState:
    def __init__(self, *, region: str, account: str) -> None:
        self._region = region
        self._account = account
        self._templates: dict[str, Mapping[str, Any]] = {}

    def know_templates(self, deployment: Deployment) -> None:
        """Read the data in templates that moto does not store."""
        for resource in deployment.of_type("AWS::Lambda::Function"):
            self._templates[resource.physical_id] = resource.properties

    def find_function(self, function_arn: str) -> Function:
        try:
            stored = get_backend(self._account, self._region).get_function(function_arn)
            latest = get_backend(self._account, self._region).get_function(stored.function_name)
        except UnknownFunctionException as error:
            raise FunctionNotFoundError(function_arn) from error
        properties = self._templates.get(stored.function_name, {})
        logging = properties.get("LoggingConfig") or {}
        reserved = latest.reserved_concurrency
        return Function(
            name=stored.function_name,
            version=str(stored.version),
            arn=stored.function_arn,
            handler=str(stored.handler or ""),
            code=stored.code_bytes,
            code_sha256=stored.code_sha_256,
            environment={name: str(value) for name, value in (stored.environment_vars or {}).items()},
            timeout_s=float(stored.timeout),
            memory_mb=int(stored.memory_size),
            layers=tuple(properties.get("Layers") or [layer["Arn"] for layer in stored.layers]),
            role=str(stored.role),
            log_group=logging.get("LogGroup") or f"/aws/lambda/{stored.function_name}",
            log_format=logging.get("LogFormat", "Text"),
            system_log_level=logging.get("SystemLogLevel", "INFO"),
            reserved_concurrency=None if reserved is None else int(reserved),
        )

    def layer_content(self, layer_arn: str) -> tuple[str, bytes] | None:
        """Return the digest and the zip file of a layer version.

        Return None if the version does not exist or belongs to another account.
        """
        if is_external_layer(layer_arn, account=self._account):
            return None
        layer = get_backend(self._account, self._region).layers_versions_by_arn(layer_arn)
        return None if layer is None else (str(layer.code_sha_256), bytes(layer.code_bytes))

    def mapping_enabled(self, uuid: str) -> bool:
        mapping = get_backend(self._account, self._region).get_event_source_mapping(uuid)
        return mapping is not None and bool(mapping.enabled)


def seed_ids(seed: str | None) -> None:
    """Seed the generator of moto's IDs. None restores random IDs."""
    mock_random.seed(seed)


def compile_pattern(pattern: str) -> Callable[[Mapping[str, Any]], bool]:
    """Compile an event pattern, of a rule or of filter criteria, to a predicate."""
    compiled = EventPattern.load(pattern)

    def matches(event: Mapping[str, Any]) -> bool:
        return bool(compiled.matches_event(json.loads(json.dumps(event))))

    return matches
