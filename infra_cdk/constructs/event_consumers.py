"""The functions that consume the events: into profiles, into the lake, and into what is wanted more than usual."""

from constructs import Construct

from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX
from infra_cdk.constructs import trends
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.event_stream import consume, consumer_permissions
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.constructs.tombstone_access import tombstone_permissions
from infra_cdk.settings import Settings


def add_consumers(scope: Construct, *, settings: Settings, data: StoredData, layers: PythonLayers) -> None:
    """Add the three consumers of the stream to `scope`."""
    permissions = [
        *tombstone_permissions(artefacts=data.artefacts, hash_key=data.hash_key),
        *configuration_permissions(data.artefacts),
        *consumer_permissions(stream=data.stream, failed=data.lake),
    ]
    update_profiles = PythonFunction(
        scope,
        "UpdateProfiles",
        name="update_profiles",
        description="Adds events to the live profiles of users and sessions",
        settings=settings,
        layers=[layers.core],
        data=data,
        permissions=[
            *permissions,
            Permission(
                actions=[f"dynamodb:{call}" for call in ("BatchWriteItem", "BatchGetItem", "Query", "PutItem")],
                resources=[data.profiles.table_arn],
            ),
        ],
        memory_mb=512,
        timeout_s=60,
    )
    archive_events = PythonFunction(
        scope,
        "ArchiveEvents",
        name="archive_events",
        description="Writes events to the lake, and records that cannot be read to quarantine",
        settings=settings,
        layers=[layers.core, layers.pandas],
        data=data,
        permissions=[
            *permissions,
            *(
                objects(
                    data.lake,
                    prefix,
                    # No permission to abort an upload in parts: awswrangler leaves it, and the bucket's rule removes
                    # it.
                    actions=["s3:PutObject"],
                    reason="Objects are named after their day, shard and sequence numbers",
                )
                for prefix in (INTERACTIONS_PREFIX, QUARANTINE_PREFIX)
            ),
        ],
        memory_mb=2_048,
        timeout_s=120,
    )
    count_trends = PythonFunction(
        scope,
        "CountTrends",
        name="count_trends",
        description="Counts which items are wanted more than usual",
        settings=settings,
        layers=[layers.core, layers.onnx_runtime],  # for its numpy
        data=data,
        single_threaded=True,
        permissions=[*permissions, trends.trends_permission(data.artefacts, writes=True)],
        memory_mb=512,
        timeout_s=60,
    )
    consume(
        update_profiles.live,
        stream=data.stream,
        failed=data.lake,
        settings=settings,
        batch_size=settings.update_batch_size,
        window_s=settings.update_window_s,
        retries=settings.update_retries,
        parallelization=settings.update_parallelization,
    )
    consume(
        archive_events.live,
        stream=data.stream,
        failed=data.lake,
        settings=settings,
        batch_size=settings.archive_batch_size,
        window_s=settings.archive_window_s,
        # It puts a record that it cannot read into quarantine: it fails only where the lake or its own set-up does,
        # and then waiting loses nothing.
        retries=-1,
    )
    consume(
        count_trends.live,
        stream=data.stream,
        failed=data.lake,
        settings=settings,
        batch_size=trends.BATCH_SIZE,
        window_s=settings.trends_window_s,
        retries=settings.update_retries,
    )
