"""CDK app of the infrastructure."""

import os

from infra_cdk.node import use_installed_node

# The CDK starts Node when it is imported, so the variable must be set before any other import.
use_installed_node(os.environ)
