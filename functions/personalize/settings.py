from __future__ import annotations

import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the control plane.

    `arn_prefix` is the prefix of all ARNs: partition, service, region and account, without a final colon. Buckets that
    jobs may use are separated by spaces. The ARN of the batch workflow is in an SSM parameter.
    """

    resources_table: str
    keys_table: str
    arn_prefix: str
    tracking_id: str
    artefact_bucket: str
    model_package_group: str
    state_machine_arn: str
    import_state_machine_arn: str
    batch_state_machine_parameter: str
    import_buckets: str = ""
    batch_buckets: str = ""
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
