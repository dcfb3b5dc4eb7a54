"""Authorizer of routes for browsers, which checks session tokens."""

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from constructs import Construct

from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings


class SessionAuthorizer(Construct):
    """Function `authorize_session` as two authorizers of an API: for tokens in a header and in the query.

    `beacons` reads the token from the query. `function`, an alias, also issues tokens to pages with a site key and
    answers health checks.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        layers: PythonLayers,
        data: StoredData,
    ) -> None:
        super().__init__(scope, construct_id)
        function = PythonFunction(self, "authorize_session", settings=settings, layers=layers, data=data)
        self.function = function.live
        self.function_name = function.function_name
        self.authorizer, self.beacons = (
            authorizers.HttpLambdaAuthorizer(
                name,
                function.live,
                response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
                # This is also the cache key. All routes have the same requirements, so all routes share cached results.
                identity_source=[source],
                results_cache_ttl=cdk.Duration.seconds(settings.session_cache_s),
            )
            for name, source in (
                ("Sessions", "$request.header.Authorization"),
                ("Beacons", "$request.querystring.authorization"),
            )
        )
