"""CDK app of the infrastructure."""

import os

from infra_cdk.node import use_installed_node

# Importing the CDK starts Node, so this call must come before any other import.
use_installed_node(os.environ)
