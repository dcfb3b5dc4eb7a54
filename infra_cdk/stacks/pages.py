from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from alsolike.declarations.storage import CHAMPION_KEY, CONFIGURATION_KEY
from infra_cdk.constructs.alarm_topic import alarm, alarm_period
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.constructs.website import Website
from infra_cdk.settings import Settings
from infra_cdk.stacks.serving import ServingStack
from infra_cdk.stacks.stack import Stack


class PagesStack(Stack):
    """Storefront, console and static lists.

    No other stack depends on this stack, so accounts without CloudFront can omit it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: StoredData,
        serving: ServingStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: storefront and console")
        site = Website(
            self, "Website", settings=settings, api_host=serving.api_host, sign_in_url=serving.tokens.sign_in_url
        )
        values = {"web_url": site.url, "web_bucket": site.bucket.bucket_name}
        Parameters(self, "Parameters", settings=settings, values=values)
        if settings.domain:
            cdk.CfnOutput(self, "DomainTarget", value=site.target, description=f"DNS target of {settings.domain}")
        if settings.static_lists_schedule is not None:
            self._static_lists(site, settings=settings, data=data, layers=layers)

    def _static_lists(self, site: Website, *, settings: Settings, data: StoredData, layers: Path) -> None:
        function = PythonFunction(
            self,
            "publish_lists",
            settings=settings,
            layers=PythonLayers(self, "Layers", settings=settings, directory=layers),
            data=data,
            values={"web_bucket": site.bucket.bucket_name},
            arns={"pages": site.bucket.bucket_arn},
        )
        events.Rule(
            self,
            "ChampionChanged",
            description=f"Alsolike {settings.name}: publish static lists of the champion",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [data.artefacts.bucket_name]},
                    "object": {"key": [CONFIGURATION_KEY, CHAMPION_KEY]},
                },
            ),
            targets=[targets.LambdaFunction(function.live, retry_attempts=2, max_event_age=cdk.Duration.hours(2))],
        )
        alarm(
            self,
            "ListsFail",
            metric=function.live.metric_errors(statistic="Sum", period=alarm_period(settings.static_lists_schedule)),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: Static lists are not published: docs/runbooks/static-lists.md",
            alerts=data.alerts,
        )
