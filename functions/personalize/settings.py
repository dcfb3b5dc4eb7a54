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
    batch_state_machine_parameter
        The name of the parameter with the ARN of the workflow of batches.
    import_buckets, batch_buckets
        The buckets that import jobs may read, and those of batch inference jobs, separated by spaces.
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
    configuration_check_s: float = 30
