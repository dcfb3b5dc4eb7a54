import aws_cdk as cdk
from constructs import Construct

from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.website import Website
from infra_cdk.settings import Settings
from infra_cdk.stacks.serving import ServingStack


class PagesStack(cdk.Stack):
    """Storefront and console. No other stack depends on this stack, so that accounts without CloudFront can omit it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, env: cdk.Environment, serving: ServingStack
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: storefront and console")
        site = Website(
            self, "Website", settings=settings, api_host=serving.api.host, sign_in_url=serving.tokens.sign_in_url
        )
        values = {"web_url": site.url, "web_bucket": site.bucket.bucket_name}
        Parameters(self, "Parameters", settings=settings, values=values)
