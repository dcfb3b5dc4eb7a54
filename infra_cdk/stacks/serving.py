"""From the API to the stream, the profiles and the lake; and back with recommendations."""

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from alsolike.declarations.storage import CHAMPION_KEY, MODELS_PREFIX, SEGMENTS_PREFIX, SNAPSHOT_KEY
from infra_cdk.constructs import trends
from infra_cdk.constructs.batch_workflow import recommend_permissions
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.event_consumers import add_consumers
from infra_cdk.constructs.http_api import HttpApi
from infra_cdk.constructs.key_access import key_permissions
from infra_cdk.constructs.operator_actions import operate
from infra_cdk.constructs.operator_queries import observe
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.served_log import ServedLog
from infra_cdk.constructs.session_authorizer import SessionAuthorizer
from infra_cdk.constructs.token_issuer import TokenIssuer
from infra_cdk.constructs.tombstone_access import hash_key_permission, tombstone_permissions
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack
from infra_cdk.stacks.privacy import PrivacyStack
from infra_cdk.stacks.training import TrainingStack


class ServingStack(cdk.Stack):
    """The API with its tokens, and the functions that answer it and consume its events."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: DataStack,
        privacy: PrivacyStack,
        training: TrainingStack,
        layers: Path,
    ) -> None:
        super().__init__(
            scope, construct_id, env=env, description=f"Alsolike {settings.name}: the API and the event consumers"
        )
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        self.tokens = tokens = TokenIssuer(self, "Tokens", settings=settings)
        sessions = SessionAuthorizer(self, "Sessions", settings=settings, layers=self._layers, data=data)
        self.api = api = HttpApi(self, "Http", settings=settings, tokens=tokens, sessions=sessions)
        # The pages' stack imports these. Exports that the setting `web` removed would fail the update of this stack.
        for exported in (api.api_id, tokens.domain_name):
            self.export_value(exported)
        collect, recommends = self._collect().live, self._recommend()
        self.recommend = recommend = recommends.live
        self.recommend_log = recommends.log_group
        ServedLog(
            self,
            "ServedLog",
            log_group=recommends.log_group,
            data=data,
            layers=self._layers,
            settings=settings,
        )
        observes = observe(self, "Observe", settings=settings, data=data, layers=self._layers, api=api)
        operates = operate(
            self,
            settings=settings,
            data=data,
            machine=training.state_machine,
            packages=training.packages,
            recommend=recommend,
            layers=self._layers,
        )
        api.add_routes(
            {
                "collect": collect,
                "erase_user": privacy.erase_user,
                "export_user": privacy.export_user,
                "recommend": recommend,
                "observe": observes.live,
                "operate": operates.live,
                "personalize": self._personalize().live,
            }
        )
        add_consumers(self, settings=settings, data=data, layers=self._layers)
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={
                "api_url": api.url,
                "user_pool_id": tokens.pool.user_pool_id,
                "issuer": tokens.issuer,
                "recommend_function": recommend.function_arn,
                **(
                    {"web_client_id": tokens.client.user_pool_client_id, "sign_in_url": tokens.sign_in_url}
                    if settings.web
                    else {}
                ),
            },
        )

    def _tombstone_permissions(self) -> list[Permission]:
        return tombstone_permissions(artefacts=self._data.artefacts, hash_key=self._data.hash_key)

    def _collect(self) -> PythonFunction:
        data = self._data
        return PythonFunction(
            self,
            "Collect",
            name="collect",
            description="Takes events, items and users from the API, and shows and changes items and users",
            settings=self._settings,
            layers=[self._layers.core],
            data=data,
            permissions=[
                *key_permissions(self._data),
                *self._tombstone_permissions(),
                Permission(actions=["kinesis:PutRecords"], resources=[data.stream.stream_arn]),
                Permission(
                    actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"],
                    resources=[data.catalogue.table_arn, data.users.table_arn],
                ),
                *configuration_permissions(data.artefacts),
            ],
            memory_mb=1_024,
            timeout_s=20,
            starts_fast=True,
        )

    def _personalize(self) -> PythonFunction:
        data = self._data
        return PythonFunction(
            self,
            "Personalize",
            name="personalize",
            description="Answers operations of Amazon Personalize's control plane",
            settings=self._settings,
            layers=[self._layers.core],
            data=data,
            values={"arn_prefix": f"arn:{self.partition}:personalize:{self.region}:{self.account}"},
            permissions=[
                *key_permissions(data),
                Permission(
                    actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Scan"],
                    resources=[data.resources.table_arn],
                ),
            ],
            memory_mb=512,
            timeout_s=20,
        )

    def _recommend(self) -> PythonFunction:
        profiles, users, artefacts = self._data.profiles, self._data.users, self._data.artefacts
        return PythonFunction(
            self,
            "Recommend",
            name="recommend",
            description="Answers with recommendations of the champion",
            settings=self._settings,
            layers=[self._layers.core, self._layers.onnx_runtime],
            data=self._data,
            single_threaded=True,
            permissions=[
                *key_permissions(self._data),
                Permission(actions=["dynamodb:Query"], resources=[profiles.table_arn]),
                Permission(actions=["dynamodb:GetItem"], resources=[users.table_arn]),
                Permission(
                    actions=["s3:GetObject"],
                    resources=[
                        artefacts.arn_for_objects(CHAMPION_KEY),
                        artefacts.arn_for_objects(SNAPSHOT_KEY),
                    ],
                ),
                objects(
                    artefacts, MODELS_PREFIX, actions=["s3:GetObject"], reason="Any version may become the champion"
                ),
                *recommend_permissions(artefacts),
                objects(
                    artefacts,
                    SEGMENTS_PREFIX,
                    actions=["s3:GetObject"],
                    reason="Segments of the catalogue are named after their contents",
                ),
                trends.trends_permission(artefacts),
                # They also permit to list the bucket: else S3 answers 403, not 404, for a missing object.
                *configuration_permissions(artefacts),
                hash_key_permission(self._data.hash_key),
            ],
            # One full processor.
            memory_mb=1_769,
            storage_mb=self._settings.recommend_storage_mb,
            timeout_s=20,
            starts_fast=True,
        )
