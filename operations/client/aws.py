from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors as translate_aws_errors
from alsolike.runtime.errors import Unavailable


def session_clients(
    *, embedded: str = "", region: str | None = None, environment: str | None = None
) -> Callable[[str], Any]:
    """Return a function that creates and caches one client per service.

    `embedded` is the endpoint of an embedded cloud; empty for AWS. If neither `region`, AWS_REGION, AWS_DEFAULT_REGION
    nor the AWS profile names a region, the region of `environment` in the current folder's `cdk.json` applies.
    """
    from botocore.config import Config
    from botocore.exceptions import NoRegionError
    from botocore.handlers import add_expect_header

    from alsolike.runtime.aws import new_session, write_batches_fast

    session = new_session()
    settings: dict[str, Any] = {
        "region_name": region
        or os.environ.get("AWS_REGION")  # botocore reads only AWS_DEFAULT_REGION.
        or session.get_config_variable("region")
        or _declared_region(environment)
    }
    config = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=16)
    if embedded:
        settings |= {"endpoint_url": embedded, "aws_access_key_id": "local", "aws_secret_access_key": "local"}
        config = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))

    @functools.cache
    def client(service: str) -> Any:
        # DynamoDB validates imported rows itself, and botocore's validation would slow down imports.
        checked = config.merge(Config(parameter_validation=service != "dynamodb"))
        try:
            created = session.create_client(service, config=checked, **settings)
        except NoRegionError as error:
            raise Unavailable(
                "no AWS region is configured. Set AWS_REGION or a region in the AWS profile, or run the command in the "
                "folder with the environment's cdk.json"
            ) from error
        # With the header Expect, each put waits for the server's response before it sends the body.
        if service == "s3":
            created.meta.events.unregister("before-call.s3", add_expect_header)
        elif service == "dynamodb":
            write_batches_fast(created)
        return created

    return client


def _declared_region(environment: str | None) -> str | None:
    try:
        region: str = json.loads(Path("cdk.json").read_text())["context"]["environments"][environment]["region"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return region
