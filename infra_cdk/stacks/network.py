from constructs import Construct

from infra_cdk.constructs.network import Network
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class NetworkStack(Stack):
    """Private network of functions and jobs."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "network", settings=settings, description="private network")
        self.network = Network(self, "Network", settings=settings)
