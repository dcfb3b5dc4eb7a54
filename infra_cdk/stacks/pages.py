import aws_cdk as cdk
from constructs import Construct

from alsolike.declarations.storage import CHAMPION_KEY, CONFIGURATION_KEY
from infra_cdk.constructs.alarm_topic import alarm_period
from infra_cdk.constructs.function_triggers import invoke_for_objects
from infra_cdk.constructs.website import Website
from infra_cdk.stacks.serving import ServingStack
from infra_cdk.stacks.stack import FunctionStack, Region


class PagesStack(FunctionStack):
    """Storefront, console and static lists.

    No other stack depends on this stack, so accounts without CloudFront can omit it.
    """

    def __init__(self, scope: Construct, region: Region, *, serving: ServingStack) -> None:
        super().__init__(scope, "pages", region, description="storefront and console")
        settings = self.settings
        site = Website(
            self, "Website", settings=settings, api_host=serving.api_host, sign_in_url=serving.tokens.sign_in_url
        )
        self.publish(web_url=site.url, web_bucket=site.bucket.bucket_name)
        if settings.domain:
            cdk.CfnOutput(self, "DomainTarget", value=site.target, description=f"DNS target of {settings.domain}")
        if settings.static_lists_schedule is not None:
            self._static_lists(site, schedule=settings.static_lists_schedule)

    def _static_lists(self, site: Website, *, schedule: str) -> None:
        function = self.function(
            "publish_lists", values={"web_bucket": site.bucket.bucket_name}, arns={"pages": site.bucket.bucket_arn}
        ).live
        invoke_for_objects(
            function,
            self,
            "ChampionChanged",
            settings=self.settings,
            purpose="publish static lists of the champion",
            bucket=self.data.artefacts,
            keys=[CONFIGURATION_KEY, CHAMPION_KEY],
        )
        self.data.alerts.alarm(
            self,
            "ListsFail",
            function.metric_errors(statistic="Sum", period=alarm_period(schedule)),
            "Static lists are not published",
            runbook="static-lists",
        )
