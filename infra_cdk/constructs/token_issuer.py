"""Cognito issues API tokens to machines for a secret, and to operators who sign in to the pages."""

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from alsolike.declarations.routes import ADMINISTER, READ_RECOMMENDATIONS, RESOURCE_SERVER, SCOPES, WRITE_EVENTS
from infra_cdk.constructs.data_lake import removal_policy
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.settings import Settings

NO_PAGES_YET = "https://pages.invalid/"
"""Callback of the pages' client until `alsolike web publish` sets theirs: their stack is deployed after this one."""


class TokenIssuer(Construct):
    """A user pool with a resource server of scopes, two clients for machines and, with pages, one for them.

    The shop's client may read recommendations and write events; that secret lies on many machines. The administrator's
    may administer and nothing else. The pages' has no secret and may do all of it, for the operators whom an
    administrator creates and who sign in with it.

    Attributes
    ----------
    pool, client, administrator, pages
        The pool, and the clients of the shop, the administrator and the pages, None without pages.
    clients
        All of them.
    issuer
        What tokens name as their issuer.
    sign_in_url, token_url
        Where Cognito lets people sign in, and where a client exchanges its secret for a token.
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
                reason="The environment's settings leave the second factor to each operator",
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
        self.client = self._client(
            "Shop", scopes=[granted[READ_RECOMMENDATIONS], granted[WRITE_EVENTS]], settings=settings
        )
        self.administrator = self._client("Administrator", scopes=[granted[ADMINISTER]], settings=settings)
        self.pages = self._pages([cognito.OAuthScope.OPENID, *granted.values()]) if settings.web else None
        self.clients = [each for each in (self.client, self.administrator, self.pages) if each is not None]
        domain = self.pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"alsolike-{settings.name}-{_unique(stack)}"),
        )
        self.domain_name = domain.domain_name
        self.issuer = f"https://cognito-idp.{stack.region}.{stack.url_suffix}/{self.pool.user_pool_id}"
        self.sign_in_url = domain.base_url()
        self.token_url = f"{self.sign_in_url}/oauth2/token"

    def _pages(self, scopes: list[cognito.OAuthScope]) -> cognito.UserPoolClient:
        """Create the client of the pages: authorization code with PKCE, no secret."""
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
            # Long enough for a day's work; every page keeps them only in its memory.
            access_token_validity=cdk.Duration.minutes(15),
            id_token_validity=cdk.Duration.minutes(15),
            refresh_token_validity=cdk.Duration.hours(12),
            enable_token_revocation=True,
            prevent_user_existence_errors=True,
        )

    def _client(
        self, construct_id: str, *, scopes: list[cognito.OAuthScope], settings: Settings
    ) -> cognito.UserPoolClient:
        client = self.pool.add_client(
            construct_id,
            generate_secret=True,
            o_auth=cognito.OAuthSettings(flows=cognito.OAuthFlows(client_credentials=True), scopes=scopes),
            # Cognito bills each token; the longer one lasts, the fewer are bought.
            access_token_validity=cdk.Duration.minutes(settings.token_validity_minutes),
            prevent_user_existence_errors=True,
        )
        resource = client.node.default_child
        assert isinstance(resource, cognito.CfnUserPoolClient)
        # Without a list Cognito lets users sign in, and it takes no empty one; this flow continues a sign-in only.
        resource.explicit_auth_flows = ["ALLOW_REFRESH_TOKEN_AUTH"]
        return client


def _unique(stack: cdk.Stack) -> str:
    """Return what no other deployment has: the UUID at the end of the stack's id, as the prefix is region-wide."""
    return cdk.Fn.select(2, cdk.Fn.split("/", stack.stack_id))
