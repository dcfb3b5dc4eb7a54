"""Cognito user pool that issues API tokens to operators, and the authorizer of session tokens for browsers."""

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from alsolike.declarations.routes import RESOURCE_SERVER, SCOPES
from infra_cdk.constructs.buckets import removal_policy
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

NO_PAGES_YET = "https://pages.invalid/"
"""Callback URL of the pages' client until `alsolike web publish` sets the URL of the pages."""


class TokenIssuer(Construct):
    """User pool with a resource server of scopes, and a client without a secret.

    An administrator creates the operators, who sign in with the client. The client exists even if there are no pages,
    because the API's authorizer needs a client.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(username=True),
            password_policy=cognito.PasswordPolicy(
                min_length=16, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
            ),
            account_recovery=cognito.AccountRecovery.NONE,
            deletion_protection=settings.removal_policy == "retain",
            mfa=cognito.Mfa.REQUIRED if settings.operator_mfa == "required" else cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            removal_policy=removal_policy(settings, protected=True),
        )
        if settings.operator_mfa == "optional":
            acknowledge(
                self.pool,
                finding="AwsSolutions-COG2",
                reason="The environment's settings let each operator decide on a second factor",
            )
        acknowledge(
            self.pool,
            finding="AwsSolutions-COG8",
            reason="A few operators, whom an administrator creates, sign in with a second factor; the PLUS plan's "
            "threat protection is for public sign-up, and is billed per user",
        )
        scopes = {
            scope: cognito.ResourceServerScope(
                scope_name=scope.removeprefix(f"{RESOURCE_SERVER}/"), scope_description=description
            )
            for scope, description in SCOPES.items()
        }
        server = self.pool.add_resource_server(
            "Api", identifier=RESOURCE_SERVER, user_pool_resource_server_name="Alsolike", scopes=list(scopes.values())
        )
        granted = {name: cognito.OAuthScope.resource_server(server, scopes[name]) for name in scopes}
        self.client = self._pages([cognito.OAuthScope.OPENID, *granted.values()])
        domain = self.pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"alsolike-{settings.name}-{_unique(stack)}"),
        )
        self.domain_name = domain.domain_name
        self.issuer = f"https://cognito-idp.{stack.region}.{stack.url_suffix}/{self.pool.user_pool_id}"
        self.sign_in_url = domain.base_url()

    def _pages(self, scopes: list[cognito.OAuthScope]) -> cognito.UserPoolClient:
        """Create the client of the pages. It has no secret and uses the authorization code flow with PKCE."""
        return self.pool.add_client(
            "Pages",
            generate_secret=False,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=scopes,
                callback_urls=[NO_PAGES_YET],
                logout_urls=[NO_PAGES_YET],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            auth_flows=cognito.AuthFlow(user_srp=True),
            # Refresh tokens last for a working day. Pages keep tokens only in memory.
            access_token_validity=cdk.Duration.minutes(15),
            id_token_validity=cdk.Duration.minutes(15),
            refresh_token_validity=cdk.Duration.hours(12),
            enable_token_revocation=True,
            prevent_user_existence_errors=True,
        )


def _unique(stack: cdk.Stack) -> str:
    """Return the UUID of the stack, because domain prefixes must be unique in the region."""
    return cdk.Fn.select(2, cdk.Fn.split("/", stack.stack_id))


class SessionAuthorizer(Construct):
    """Function `authorize_session`, and two authorizers of an API that call it.

    `authorizer` reads the token from a header, `beacons` from the query. `function`, an alias, also issues tokens to
    pages with a site key and answers health checks.
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
