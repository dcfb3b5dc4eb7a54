"""The infrastructure: what is deployed, as a CDK app."""

import os

from infra_cdk.node import use_installed_node

# The CDK starts Node as soon as anything of it is imported, so this cannot wait for the app to run.
use_installed_node(os.environ)
