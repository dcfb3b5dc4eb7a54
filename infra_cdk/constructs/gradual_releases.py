"""Releases of functions by CodeDeploy: 10% of the calls for five minutes, then all calls."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codedeploy as codedeploy
from constructs import Construct

from infra_cdk.constructs.alarm_topic import Alerts
from infra_cdk.constructs.api_routes import Api
from infra_cdk.constructs.metrics import if_enough, percent
from infra_cdk.constructs.permissions import Permission, role_for
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.settings import Settings

_MINUTE = cdk.Duration.minutes(1)
_PERIODS = 2
"""Number of minutes with failed or slow requests after which a release is rolled back. The alarms of `response_alarms`
need at least ten minutes, but all calls use the new version after five minutes.
"""
_MIN_REQUESTS = 4


class GradualReleases(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        api: Api,
        functions: Mapping[str, PythonFunction],
        alerts: Alerts,
    ) -> None:
        super().__init__(scope, construct_id)
        requests = api.requests(_MINUTE)
        enough: dict[str, Any] = {"minimum": _MIN_REQUESTS, "period": _MINUTE}
        failed = percent(api.server_errors(_MINUTE), requests, label="Requests that fail, percent", **enough)
        slow = if_enough(api.latency("p99", _MINUTE), requests, label="p99 latency, ms", **enough)
        alarms = [
            alerts.alarm(scope, name, metric, problem, above=above, periods=_PERIODS, runbook="errors")
            for name, metric, problem, above in (
                ("ReleaseErrors", failed, "Requests to the API fail for two minutes", settings.error_alarm_percent),
                ("ReleaseSlow", slow, "One request in a hundred is slow for two minutes", settings.latency_alarm_ms),
            )
        ]
        application = codedeploy.LambdaApplication(self, "Application")
        # The ARN of the alias would be a circular reference, because the alias refers to its deployment group.
        aliases = [f"{function.function_arn}:live" for function in functions.values()]
        role = role_for(
            self,
            "Role",
            service="codedeploy.amazonaws.com",
            description=f"Alsolike {settings.name}: permissions of CodeDeploy for releases of functions",
            permissions=[
                Permission(
                    actions=["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
                    resources=[*(function.function_arn for function in functions.values()), *aliases],
                ),
                Permission(
                    actions=["cloudwatch:DescribeAlarms"],
                    resources=["*"],
                    wildcard_reason="CodeDeploy describes alarms, as in the policy that AWS provides",
                ),
            ],
        )
        for name, function in functions.items():
            codedeploy.LambdaDeploymentGroup(
                self,
                name.title(),
                application=application,
                alias=function.live,
                deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
                alarms=alarms,
                role=role.without_policy_updates(),
            )
