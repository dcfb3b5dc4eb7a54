"""Values that differ by region: the pandas layer, training images, and the support of SnapStart."""

import re
from collections.abc import Mapping
from types import MappingProxyType

IMAGE = (
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[a-z0-9._/-]+)"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
)
"""Regular expression of the URI of a container image in ECR, with a tag, a digest or both."""
IMAGE_FORM = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG or NAME@sha256:DIGEST"

WITHOUT_SNAP_START = frozenset({"ap-east-2", "ap-southeast-6"})
"""Regions without SnapStart: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-supported-regions"""

PANDAS_VERSION = "3.17.1"
"""Version of AWS SDK for pandas. `requirements.lock` has the same version."""


def pandas_layer(architecture: str) -> str:
    """Return a reference to AWS's layer with awswrangler, pandas, pyarrow and numpy.

    Layer versions differ by region. CloudFormation reads the ARN of the region from a public parameter of AWS:
    https://aws-sdk-pandas.readthedocs.io/en/stable/install.html#managed-layer

    Examples
    --------
    >>> pandas_layer("arm64")
    '{{resolve:ssm:/aws/service/aws-sdk-pandas/3.17.1/py3.13/arm64/layer-arn}}'
    """
    return f"{{{{resolve:ssm:/aws/service/aws-sdk-pandas/{PANDAS_VERSION}/py3.13/{architecture}/layer-arn}}}}"


# Registry accounts of pytorch-training 2.9.0, from the SageMaker Python SDK's
# sagemaker-core/src/sagemaker/core/image_uri_config/pytorch.json at commit 04142370c66a (read in November 2026).
# The job uses only Python, numpy and scipy of the image, not PyTorch.
_SHARED_ACCOUNT = "763104351884"
_SHARED_ACCOUNT_REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2",
    "us-west-1", "us-west-2",
)  # fmt: skip
_OWN_ACCOUNTS = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-west-1": "204538143572",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "mx-central-1": "637423239942",
}

TRAINING_IMAGES: Mapping[str, str] = MappingProxyType(
    {
        region: f"{account}.dkr.ecr.{region}.amazonaws.com/pytorch-training:2.9.0-cpu-py312-ubuntu22.04-sagemaker"
        for region, account in {**dict.fromkeys(_SHARED_ACCOUNT_REGIONS, _SHARED_ACCOUNT), **_OWN_ACCOUNTS}.items()
    }
)
"""URI of the training job's default container image by region: PyTorch for CPUs with Python 3.12."""


def repository_arn(image: str, *, partition: str) -> str:
    """Return the ARN of the ECR repository of a container image.

    Examples
    --------
    >>> repository_arn("763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.9.0", partition="aws")
    'arn:aws:ecr:eu-west-1:763104351884:repository/pytorch-training'
    """
    match = re.fullmatch(IMAGE, image)
    if match is None:
        raise ValueError(f"image {image!r} is not {IMAGE_FORM}")
    return f"arn:{partition}:ecr:{match['region']}:{match['account']}:repository/{match['name']}"
