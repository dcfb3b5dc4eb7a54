"""Settings of a cloud, and the environment of its process and subprocesses."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_SWITCH_INTERVAL_S = 0.0002
"""Interval at which threads release Python's global lock. The default of 5 ms would delay each step of a request."""
ACCOUNT_KEY = "local"
"""Access key of the account, which may do everything."""
Mode = Literal["enforce", "warn", "off"]
DEFAULT_MODE: Mode = "enforce"
_LOCAL_HOSTS = "127.0.0.1,localhost"
_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE")
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCOUNT_KEY,
    "AWS_SECRET_ACCESS_KEY": "local",
    # Account-based DynamoDB endpoints do not exist here.
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    # The cloud must neither use nor change the user's AWS configuration.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Settings of a cloud. `Cloud.start` and the help of `python -m local_cloud` describe them."""

    assembly: Path
    region: str = "us-east-1"
    account: str = "123456789012"
    awslambdaric: bool = True
    max_environments: int = 4
    port: int | None = None
    tls: Path | None = None
    data: Path | None = None
    permissions: Mode = DEFAULT_MODE
    peer: Path | None = None


def configure_process(settings: CloudSettings) -> None:
    """Set the environment for moto and boto3. Call it before the import of moto, which reads the environment."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ.update(_CREDENTIALS)
    os.environ["AWS_DEFAULT_REGION"] = settings.region
    os.environ["MOTO_ACCOUNT_ID"] = settings.account
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), _LOCAL_HOSTS)))


def subprocess_environment(*, endpoint: str, region: str) -> Mapping[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **_CREDENTIALS,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "NO_PROXY": _LOCAL_HOSTS,
        "PATH": path,
        "no_proxy": _LOCAL_HOSTS,
    }
