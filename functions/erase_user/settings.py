import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of tombstones, receipts and profiles, and the erasure workflow.

    `pseudonymise_ids` and `forwards_erasures` are 0 or 1.
    """

    artefact_bucket: str
    profiles_table: str
    secret_arn: str
    state_machine_arn: str
    pseudonymise_ids: int = 0
    keys_table: str = ""
    forwards_erasures: int = 0
