"""Timeouts and retries of workflow steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn

LAMBDA_TRANSIENT = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""Errors of the Lambda service, not of a function."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Timeout of an attempt, and number of retries. The pause doubles with each retry."""

    timeout_s: int
    first_pause_s: int = 2
    retries: int = 4

    @property
    def longest_s(self) -> int:
        """Maximum duration of all attempts and of the pauses between them."""
        pauses_s = self.first_pause_s * ((1 << self.retries) - 1)  # 1, 2, 4, ... times the first pause
        return (self.retries + 1) * self.timeout_s + pauses_s

    @property
    def timeout(self) -> sfn.Timeout:
        return sfn.Timeout.duration(cdk.Duration.seconds(self.timeout_s))

    def repeat(
        self,
        task: sfn.TaskStateBase | sfn.CustomState,
        errors: Sequence[str],
        *,
        jitter: sfn.JitterType | None = None,
    ) -> None:
        task.add_retry(
            errors=list(errors),
            interval=cdk.Duration.seconds(self.first_pause_s),
            max_attempts=self.retries,
            backoff_rate=2,
            jitter_strategy=jitter,
        )
