"""State of a deployment, of what the memory cloud does not have."""

from typing import Any
from unittest.mock import Mock

from operations import status


def function(name: str, namespace: str | None) -> dict[str, Any]:
    """Return a function as Lambda lists it."""
    environment = {} if namespace is None else {"Variables": {"POWERTOOLS_METRICS_NAMESPACE": namespace}}
    return {
        "FunctionName": name,
        "Handler": "functions.recommend.handler.lambda_handler",
        "Runtime": "python3.13",
        "MemorySize": 512,
        "Timeout": 20,
        "Environment": environment,
    }


def test_functions_of_other_environments_are_left_out() -> None:
    found = [
        function("alsolike-shop-serving-RecommendFunction", "Alsolike/shop"),
        function("alsolike-a-very-long-na-RecommendFunction", "Alsolike/shop"),
        function("alsolike-shop-2-serving-RecommendFunction", "Alsolike/shop-2"),
        function("alsolike-shop-other-Function", None),
    ]
    deployment = Mock(environment="shop")
    deployment.client.return_value.get_paginator.return_value.paginate.return_value = [{"Functions": found}]

    assert [each["function_name"] for each in status._functions(deployment)] == [
        "alsolike-shop-serving-RecommendFunction",
        "alsolike-a-very-long-na-RecommendFunction",
    ]
