from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.parameters import parameter_name
from alsolike.declarations.storage import TRAINING_LOG_GROUP
from infra_cdk.constructs.alarms import function_alarms
from infra_cdk.constructs.api_name import ApiName, HealthCheck
from infra_cdk.constructs.api_routes import Api, ApiParts
from infra_cdk.constructs.gradual_releases import GradualReleases
from infra_cdk.constructs.http_api import HttpApi
from infra_cdk.constructs.network import Network
from infra_cdk.constructs.permissions import colon_arn
from infra_cdk.constructs.private_api import PrivateApi
from infra_cdk.constructs.served_log import ServedLog
from infra_cdk.constructs.state_machine import executions_of
from infra_cdk.constructs.token_issuer import SessionAuthorizer, TokenIssuer
from infra_cdk.settings import Settings
from infra_cdk.stacks.attribution import AttributionStack
from infra_cdk.stacks.privacy import PrivacyStack
from infra_cdk.stacks.stack import FunctionStack, Region
from infra_cdk.stacks.training import TrainingStack

_PARTS = ("attribution", "batch", "catalogue", "data", "lake", "observability", "privacy", "serving", "training")


class ServingStack(FunctionStack):
    """The API with its tokens, the functions of its routes, and the consumers of the event stream."""

    def __init__(
        self,
        scope: Construct,
        region: Region,
        *,
        imports: sfn.StateMachine,
        privacy: PrivacyStack,
        attribution: AttributionStack,
        training: TrainingStack,
        is_replica: bool = False,
        network: Network | None = None,
    ) -> None:
        settings, data, _ = region
        super().__init__(
            scope,
            "serving",
            region,
            description="API and event consumers",
            protected=settings.stack_protection or None,
        )
        self.tokens = tokens = TokenIssuer(self, "Tokens", settings=settings)
        sessions = SessionAuthorizer(self, "Sessions", settings=settings, layers=self.layers, data=data)
        self.api = api = self._add_api(settings, sessions=sessions, network=network)
        recommend = self.function("recommend")
        self.recommend, self.recommend_log = recommend.live, recommend.log_group
        attribution.attribute_outcomes.permit(
            self, "Forecasts", arns={"recommend_function": self.recommend.function_arn}
        )
        ServedLog(self, "ServedLog", log_group=recommend.log_group, data=data, layers=self.layers, settings=settings)
        # `observe` computes the cost from the templates of these stacks.
        parts = (
            ("audit", settings.is_audited),
            ("kafka", settings.kafka),
            ("network", settings.vpc),
            ("pages", settings.web),
        )
        optional = [part for part, is_on in parts if is_on]
        stacks = [f"alsolike-{settings.name}-{part}" for part in (*_PARTS, *optional)]
        observe = self.function(
            "observe",
            values={
                "api_id": api.metric_id,
                "stacks": ",".join(stacks),
                **({"private_api": 1} if settings.private_api else {}),
            },
            arns={
                "stacks": [
                    self.format_arn(service="cloudformation", resource="stack", resource_name=f"{stack}/*")
                    for stack in stacks
                ]
            },
        )
        models = {**training.package_arns, "training_runs": executions_of(self, training.state_machine)}
        operate = self.function(
            "operate",
            values={
                "model_package_group": training.packages.model_package_group_name,
                "state_machine_arn": training.state_machine.state_machine_arn,
                "recommend_function": self.recommend.function_arn,
                "attribute_outcomes_function": attribution.attribute_outcomes.live.function_arn,
                "monitor_models_function": training.monitor_models.function_arn,
            },
            arns={
                **models,
                "training_logs": [colon_arn(self, "logs", "log-group", f"{TRAINING_LOG_GROUP}:*")],
            },
        )
        # The batch stack is deployed later, because it needs `recommend`. Therefore, its workflow is read from a
        # parameter.
        parameter = parameter_name(settings.name, "batch_state_machine_arn")
        self.control_plane = personalize = self.function(
            "personalize",
            values={
                "arn_prefix": f"arn:{self.partition}:personalize:{self.region}:{self.account}",
                "model_package_group": training.packages.model_package_group_name,
                "state_machine_arn": training.state_machine.state_machine_arn,
                "import_state_machine_arn": imports.state_machine_arn,
                "import_buckets": " ".join(settings.import_buckets),
                "batch_state_machine_parameter": parameter,
                "batch_buckets": " ".join(settings.batch_buckets),
            },
            arns={
                **models,
                "import_runs": executions_of(self, imports),
                "batch_parameter": self.format_arn(service="ssm", resource="parameter", resource_name=parameter[1:]),
            },
        )
        collect = self.function("collect")
        own = {made.name: made.live for made in (collect, recommend, observe, operate, personalize)}
        api.add_routes({**own, "erase_user": privacy.erase_user, "export_user": privacy.export_user})
        if settings.api_domain and settings.api_zone_id and isinstance(api, HttpApi):
            check = None
            if not is_replica:
                check = HealthCheck(self, "Health", environment=settings.name, function=sessions.function)
            ApiName(
                self,
                "Name",
                domain=settings.api_domain,
                zone_id=settings.api_zone_id,
                api=api,
                role="SECONDARY" if is_replica else "PRIMARY",
                health_check_id=check.check_id if check else None,
            )
        if settings.gradual_releases:
            GradualReleases(
                self,
                "Releases",
                settings=settings,
                api=api,
                functions={made.name: made for made in (collect, recommend)},
                alerts=data.alerts,
            )
        consumers = [self.function(name) for name in ("update_profiles", "archive_events", "count_trends")]
        # Consumers are updated before `collect`, so that they can read a new version of the stream record before it
        # is written.
        collect.live.node.add_dependency(*(made.live for made in consumers))
        function_alarms(
            self,
            shop=[recommend.function_name, collect.function_name, sessions.function_name],
            consumers=consumers,
            alerts=data.alerts,
        )
        self.publish(
            api_url=api.url,
            user_pool_id=tokens.pool.user_pool_id,
            issuer=tokens.issuer,
            recommend_function=self.recommend.function_arn,
            **({"api_domain": settings.api_domain} if settings.api_domain else {}),
            **(
                {"web_client_id": tokens.client.user_pool_client_id, "sign_in_url": tokens.sign_in_url}
                if settings.web
                else {}
            ),
        )

    def _add_api(self, settings: Settings, *, sessions: SessionAuthorizer, network: Network | None) -> Api:
        # The stack of the pages imports the exported values. All of them are always exported, because a used export
        # cannot be removed.
        self.export_value(self.tokens.domain_name)
        parts = ApiParts(settings, self.tokens, sessions)
        if network and network.api_endpoint_id:
            return PrivateApi(self, "Http", parts, endpoint_id=network.api_endpoint_id)
        api = HttpApi(self, "Http", parts)
        self.api_host = api.host
        self.export_value(api.api_id)
        return api
