from __future__ import annotations

from alsolike.profiles.profile import Profile
from operations import progress
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import live_configuration
from operations.recovery.lake_reader import LakeReader
from operations.recovery.profiles import profile_of


def past(deployment: Deployment, profile_id: str, *, received_by_ms: int) -> Profile:
    """Return a profile at an earlier time, built from the interactions that the lake had received by then."""
    rows = LakeReader(deployment.client("s3"), deployment.names.lake_bucket, received_by_ms=received_by_ms)
    with progress.step("the lake", total=2 * sum(stored.size_bytes for stored in rows.objects())) as step:
        return profile_of(rows, profile_id, configuration=live_configuration(deployment), on_bytes=step.advance)
