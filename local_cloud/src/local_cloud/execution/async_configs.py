"""Template settings of asynchronous invocations, by function and qualifier."""

from collections.abc import Mapping
from typing import Any

from local_cloud.deployment import Deployment
from local_cloud.execution.asynchronous import MAX_AGE_S, MAX_RETRIES, AsyncConfig


class AsyncConfigs:
    def __init__(self) -> None:
        self._dead_letters: dict[str, str] = {}
        self._configs: dict[tuple[str, str], Mapping[str, Any]] = {}

    def know_templates(self, deployment: Deployment) -> None:
        for function in deployment.of_type("AWS::Lambda::Function"):
            if target := (function.properties.get("DeadLetterConfig") or {}).get("TargetArn"):
                self._dead_letters[function.physical_id] = target
        for config in deployment.of_type("AWS::Lambda::EventInvokeConfig"):
            name, qualifier = config.properties["FunctionName"], config.properties["Qualifier"]
            self._configs[name.split(":function:")[-1], qualifier] = config.properties

    def of(self, function_arn: str) -> AsyncConfig:
        name, _, qualifier = function_arn.split(":function:")[-1].partition(":")
        properties = self._configs.get((name, qualifier or "$LATEST"), {})
        destinations = properties.get("DestinationConfig") or {}
        return AsyncConfig(
            max_retries=int(properties.get("MaximumRetryAttempts", MAX_RETRIES)),
            max_age_s=float(properties.get("MaximumEventAgeInSeconds", MAX_AGE_S)),
            on_success=(destinations.get("OnSuccess") or {}).get("Destination"),
            on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
            dead_letters=self._dead_letters.get(name),
        )
