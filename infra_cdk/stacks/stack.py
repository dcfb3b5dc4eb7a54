from typing import Any

import aws_cdk as cdk
from constructs import Construct


class Stack(cdk.Stack):
    """Stack whose name is its construct ID, so that the stacks of both regions have the same names."""

    def __init__(self, scope: Construct, construct_id: str, **options: Any) -> None:
        super().__init__(scope, construct_id, stack_name=construct_id, **options)
