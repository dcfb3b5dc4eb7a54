"""Settings of personalize."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The tables of resources and keys, the stores of models, and the workflows that train and import.

    Attributes
    ----------
    arn_prefix
        Beginning of all ARNs: partition, service, region and account, without a colon at the end.
    tracking_id
        The deployment's tracking id, which every event tracker has.
    import_buckets
        The buckets that import jobs may read, separated by spaces.
    """

    resources_table: str
    keys_table: str
    arn_prefix: str
    tracking_id: str
    artefact_bucket: str
    model_package_group: str
    state_machine_arn: str
    import_state_machine_arn: str
    import_buckets: str = ""
    configuration_check_s: float = 30
