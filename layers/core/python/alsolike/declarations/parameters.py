"""SSM parameters with the names of a deployment's resources, for clients."""

import dataclasses

TREE = "/alsolike"
ENVIRONMENT_TAG = "alsolike:environment"
"""Tag of a deployment's resources. After activation as a cost allocation tag, it can filter costs (docs/cost.md)."""


REPLICA = "Replica"
"""First part of the file names of the second region's CloudFormation templates."""


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """Names of a deployment's resources. Each nonempty field is an SSM parameter (`parameter_name`)."""

    api_url: str
    user_pool_id: str
    issuer: str
    tracking_id: str
    items_dataset_arn: str
    users_dataset_arn: str
    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    catalogue_table: str
    users_table: str
    keys_table: str
    keys_encryption_arn: str
    hash_key_arn: str
    session_key_arn: str
    pseudonymise_ids: str
    erasure_state_machine_arn: str
    glue_database: str
    glue_table: str
    state_machine_arn: str
    build_dataset_function: str
    recommend_function: str
    attribute_outcomes_function: str
    monitor_models_function: str
    batch_state_machine_arn: str
    model_package_group: str
    alerts_topic_arn: str
    region: str
    web_url: str = ""
    """URL of the web pages. The fields with `web` or `sign_in` are empty without web pages."""
    web_bucket: str = ""
    web_client_id: str = ""
    sign_in_url: str = ""
    api_domain: str = ""
    """Host name of the API in both regions, which a health check moves to the region that responds. Empty without the
    setting `api_domain`.
    """
    other_region: str = ""
    """Other region of a deployment in two regions. Empty in one region."""
    kms_key_arn: str = ""
    """ARN of the key that encrypts the stored data. Empty for keys of AWS."""

    @property
    def client_url(self) -> str:
        return f"https://{self.api_domain}" if self.api_domain else self.api_url.rstrip("/")


def parameter_name(environment: str, field: str) -> str:
    return f"{TREE}/{environment}/{field.replace('_', '-')}"
