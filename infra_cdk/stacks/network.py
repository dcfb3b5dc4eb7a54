import aws_cdk as cdk
from constructs import Construct

from infra_cdk.constructs.network import Network
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class NetworkStack(Stack):
    """Private network of functions and jobs."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, env: cdk.Environment) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: private network")
        self.network = Network(self, "Network", settings=settings)
