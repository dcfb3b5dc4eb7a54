import dataclasses

from functions.purge_user.deployment import Deployment


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Deployment):
    secret_arn: str
