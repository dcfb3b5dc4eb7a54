"""Function that builds datasets."""

from constructs import Construct

from alsolike.declarations.storage import DATASETS_PREFIX, INTERACTIONS_PREFIX
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.constructs.tombstone_access import tombstone_permissions
from infra_cdk.settings import Settings


def dataset_builder(scope: Construct, *, settings: Settings, data: StoredData, layers: PythonLayers) -> PythonFunction:
    """Create the function that builds a dataset in one process."""
    lake, artefacts = data.lake, data.artefacts
    catalogue, users = data.catalogue, data.users
    return PythonFunction(
        scope,
        "BuildDataset",
        name="build_dataset",
        description="Builds a training dataset from the lake, the catalogue and the users",
        settings=settings,
        layers=[layers.core, layers.pandas],
        data=data,
        permissions=[
            *tombstone_permissions(artefacts=artefacts, hash_key=data.hash_key),
            Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn]),
            *configuration_permissions(artefacts),
            objects(
                lake, INTERACTIONS_PREFIX, actions=["s3:GetObject"], reason="A dataset is made of all that happened"
            ),
            objects(
                artefacts,
                DATASETS_PREFIX,
                actions=["s3:PutObject"],
                reason="Each run writes a dataset under a new name",
            ),
            Permission(actions=["dynamodb:Scan"], resources=[catalogue.table_arn, users.table_arn]),
        ],
        memory_mb=settings.lake_memory_mb,
        storage_mb=2_048,
        timeout_s=900,
    )
