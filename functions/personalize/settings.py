from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Tables of resources and keys, stores of models, and workflows for training and imports.

    Attributes
    ----------
    arn_prefix
        Prefix of all ARNs: partition, service, region and account, without a final colon.
    tracking_id
        Tracking ID of the deployment and of every event tracker.
    batch_state_machine_parameter
        Name of the SSM parameter with the ARN of the batch workflow.
    import_buckets, batch_buckets
        Buckets that import jobs and batch inference jobs may use, separated by spaces.
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
    configuration_check_s: float = defaults.CONFIGURATION_CHECK_S
