"""Dated table of AWS prices in dollars for us-east-1.

`seen` is the public page that confirmed a price at that date. Most of AWS's price pages load prices by script and could
not be read. Tiers, and prices without `seen`, have no confirmed source, and every bill lists such prices. Check prices
before you rely on a total.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from alsolike.runtime.errors import InvalidInput

DATE = "2026-11-26"
REGION = "us-east-1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Price of one unit.

    Attributes
    ----------
    page
        Public price page of the service.
    seen
        Page that confirmed the price. Empty if no page did.
    tiers
        Pairs of a monthly number of units and the price of further units, ascending.
    free
        Number of units per month that are always free per account. Subtracted only with `Prices.free_tier`.
    """

    dollars: float
    unit: str
    page: str
    seen: str = ""
    tiers: tuple[tuple[float, float], ...] = ()
    free: float = 0.0

    @property
    def verified(self) -> bool:
        """True if a page confirmed the price."""
        return bool(self.seen)

    def of(self, quantity: float) -> float:
        """Return the price of a monthly number of units, in dollars."""
        dollars, start, rate = 0.0, 0.0, self.dollars
        for since, lower in self.tiers:
            if quantity <= since:
                break
            dollars += (since - start) * rate
            start, rate = since, lower
        return dollars + (quantity - start) * rate


_AWS = "https://aws.amazon.com"
_CLOUDFRONT = f"{_AWS}/cloudfront/pricing/"
_LAMBDA, _KINESIS, _CLOUDWATCH = (
    f"{_AWS}/{name}/pricing/" for name in ("lambda", "kinesis/data-streams", "cloudwatch")
)
_DYNAMODB, _S3, _SAGEMAKER = (f"{_AWS}/{name}/pricing/" for name in ("dynamodb", "s3", "sagemaker/ai"))
_PERSONALIZE, _GLUE = (f"{_AWS}/{name}/pricing/" for name in ("personalize", "glue"))

_LAMBDA_NOTES = "git.mcrn.ar/mariano/lambda_local_runner, May 2026"
_SNAP_NOTES = "awsnegotiations.com/blog/lambda-snapstart-cost-impact, May 2026"
_KINESIS_NOTES = "awsnegotiations.com/kinesis-pricing-optimization.html, May 2026"
_CLOUDWATCH_NOTES = "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, June 2026"
_DYNAMODB_NOTES = "airbyte.com/data-engineering-resources/dynamodb-pricing, July 2025"
_S3_NOTES = "cloudburn.io/blog/amazon-s3-pricing, March 2026"
_KMS_NOTES = "factualminds.com/blog/aws-kms-pricing-keys-requests-multi-region, June 2026"
_WAF, _PRIVATELINK, _BACKUP = (f"{_AWS}/{name}/pricing/" for name in ("waf", "privatelink", "backup"))
_WAF_NOTES = "c3x.dev/blog/aws-waf-cost-explained, awsnegotiations.com/waf-pricing-strategy.html"
_HEALTH_NOTES = "wewantcode.com/en/course/aws/lesson/7-84-health-checks-status-check.html"
_ENDPOINT_NOTES = "c3x.dev/resources/aws/aws_vpc_endpoint, its price page for the tiers"
_BACKUP_NOTES = "factualminds.com/blog/aws-backup-pricing-vaults-cross-region-restores, June 2026"
_COMPARED = "third-party pages, mid-2026"
_REPOSITORIES = "cost notes of several public repositories"

TABLE: Mapping[str, Price] = {
    "lambda_requests": Price(dollars=0.20e-6, unit="call", page=_LAMBDA, seen=_LAMBDA_NOTES, free=1e6),
    "lambda_arm_gb_s": Price(
        dollars=0.0000133334,
        unit="GB-s",
        page=_LAMBDA,
        seen=_LAMBDA_NOTES,
        tiers=((7.5e9, 0.0000120001), (18.75e9, 0.0000106667)),
        free=400e3,
    ),
    "lambda_x86_gb_s": Price(
        dollars=0.0000166667,
        unit="GB-s",
        page=_LAMBDA,
        seen=_LAMBDA_NOTES,
        tiers=((6e9, 0.000015), (15e9, 0.0000133334)),
        free=400e3,
    ),
    "lambda_storage_gb_s": Price(dollars=0.0000000309, unit="GB-s", page=_LAMBDA, seen=_REPOSITORIES),
    "snap_start_cache_gb_s": Price(dollars=0.0000015046, unit="GB-s", page=_LAMBDA, seen=_SNAP_NOTES),
    "snap_start_restore_gb": Price(dollars=0.0001397998, unit="GB", page=_LAMBDA, seen=_SNAP_NOTES),
    "provisioned_arm_gb_s": Price(dollars=0.0000033334, unit="GB-s", page=_LAMBDA, seen=_REPOSITORIES),
    "provisioned_x86_gb_s": Price(dollars=0.0000041667, unit="GB-s", page=_LAMBDA, seen=_REPOSITORIES),
    "kinesis_shard_hours": Price(dollars=0.015, unit="shard-hour", page=_KINESIS, seen=_KINESIS_NOTES),
    "kinesis_puts": Price(dollars=0.014e-6, unit="PUT unit", page=_KINESIS, seen=_KINESIS_NOTES),
    "kinesis_extended_shard_hours": Price(dollars=0.020, unit="shard-hour", page=_KINESIS, seen=_KINESIS_NOTES),
    "kinesis_long_term_gb": Price(dollars=0.023, unit="GB-month", page=_KINESIS),
    "kinesis_on_demand_hours": Price(dollars=0.04, unit="stream-hour", page=_KINESIS, seen=_REPOSITORIES),
    "kinesis_on_demand_in_gb": Price(dollars=0.08, unit="GB", page=_KINESIS, seen=_REPOSITORIES),
    "kinesis_on_demand_out_gb": Price(dollars=0.04, unit="GB", page=_KINESIS, seen=_REPOSITORIES),
    "kinesis_on_demand_extended_gb": Price(dollars=0.10, unit="GB-month", page=_KINESIS),
    "api_calls": Price(
        dollars=1.00e-6,
        unit="call",
        page=f"{_AWS}/api-gateway/pricing/",
        seen="docs.aws.amazon.com/whitepapers, Best Practices for Private APIs: REST and HTTP API pricing",
        tiers=((300e6, 0.90e-6),),
    ),
    "rest_api_calls": Price(
        dollars=3.50e-6,
        unit="call",
        page=f"{_AWS}/api-gateway/pricing/",
        seen="docs.aws.amazon.com/whitepapers, Best Practices for Private APIs: REST and HTTP API pricing",
        tiers=((333e6, 2.80e-6), (1e9, 2.38e-6), (20e9, 1.51e-6)),
    ),
    "dynamodb_writes": Price(dollars=0.625e-6, unit="write unit", page=_DYNAMODB, seen=_DYNAMODB_NOTES),
    "dynamodb_reads": Price(dollars=0.125e-6, unit="read unit", page=_DYNAMODB, seen=_DYNAMODB_NOTES),
    "dynamodb_gb": Price(dollars=0.25, unit="GB-month", page=_DYNAMODB, seen="its price page", free=25),
    "dynamodb_backup_gb": Price(dollars=0.20, unit="GB-month", page=_DYNAMODB, seen=_REPOSITORIES),
    "s3_gb": Price(dollars=0.023, unit="GB-month", page=_S3, seen=_S3_NOTES, tiers=((50e3, 0.022), (500e3, 0.021))),
    "s3_infrequent_gb": Price(
        dollars=0.0125,
        unit="GB-month",
        page=_S3,
        seen="costnimbus.com/article/s3-storage-classes-cost-guide, March 2026",
    ),
    "s3_writes": Price(dollars=5e-6, unit="PUT or LIST", page=_S3, seen=_REPOSITORIES),
    "s3_reads": Price(dollars=0.4e-6, unit="GET", page=_S3, seen=_REPOSITORIES),
    "transfer_gb": Price(
        dollars=0.09,
        unit="GB",
        page=f"{_AWS}/ec2/pricing/on-demand/",
        seen="amnic.com/blogs/aws-api-gateway-pricing, apigatewaycost.com/aws",
        tiers=((10e3, 0.085), (50e3, 0.07), (150e3, 0.05)),
        free=100,
    ),
    "region_gb": Price(
        dollars=0.02,
        unit="GB",
        page=f"{_AWS}/ec2/pricing/on-demand/",
        seen="awsnegotiations.com/cross-region-transfer-minimization.html, May 2026",
    ),
    "cloudfront_gb": Price(
        dollars=0.085,
        unit="GB",
        page=_CLOUDFRONT,
        seen="its price page",
        tiers=((10e3, 0.08), (50e3, 0.06), (150e3, 0.04), (500e3, 0.03), (1_024e3, 0.025), (5e6, 0.02)),
        free=1_000,
    ),
    "cloudfront_requests": Price(
        dollars=1e-6,
        unit="HTTPS request",
        page=_CLOUDFRONT,
        seen="wring.co/blog/aws-cloudfront-pricing-guide, March 2026",
        free=10e6,
    ),
    "secrets": Price(
        dollars=0.40,
        unit="secret",
        page=f"{_AWS}/secrets-manager/pricing/",
        seen="hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms",
    ),
    "kms_requests": Price(dollars=3e-6, unit="request", page=f"{_AWS}/kms/pricing/", seen=_KMS_NOTES, free=20_000),
    "web_acls": Price(dollars=5.00, unit="web ACL", page=_WAF, seen=_WAF_NOTES),
    "firewall_rules": Price(dollars=1.00, unit="rule", page=_WAF, seen=_WAF_NOTES),
    "firewall_requests": Price(dollars=0.60e-6, unit="request", page=_WAF, seen=_WAF_NOTES),
    "health_checks": Price(dollars=2.50, unit="check", page=f"{_AWS}/route53/pricing/", seen=_HEALTH_NOTES),
    "endpoint_hours": Price(dollars=0.01, unit="interface-hour", page=_PRIVATELINK, seen=_ENDPOINT_NOTES),
    "endpoint_gb": Price(
        dollars=0.01, unit="GB", page=_PRIVATELINK, seen=_ENDPOINT_NOTES, tiers=((1e6, 0.006), (5e6, 0.004))
    ),
    "data_events": Price(dollars=1e-6, unit="event", page=f"{_AWS}/cloudtrail/pricing/"),
    "backup_table_gb": Price(dollars=0.10, unit="GB-month", page=_BACKUP, seen=_BACKUP_NOTES),
    "backup_bucket_gb": Price(dollars=0.05, unit="GB-month", page=_BACKUP),
    "kms_keys": Price(dollars=1.00, unit="key", page=f"{_AWS}/kms/pricing/", seen=_KMS_NOTES),
    "events": Price(
        dollars=1.00e-6,
        unit="event",
        page=f"{_AWS}/eventbridge/pricing/",
        seen="factualminds.com/blog/amazon-eventbridge-pricing-events-pipes-schema-archive, June 2026",
    ),
    "transitions": Price(
        dollars=25e-6,
        unit="transition",
        page=f"{_AWS}/step-functions/pricing/",
        seen="aws.amazon.com/step-functions/pricing",
        free=4_000,
    ),
    "metrics": Price(
        dollars=0.30,
        unit="series-month",
        page=_CLOUDWATCH,
        seen="signoz.io/guides/cloudwatch-pricing, February 2026",
        tiers=((10e3, 0.10), (250e3, 0.05), (1e6, 0.02)),
        free=10,
    ),
    "metrics_read": Price(
        dollars=0.01e-3,
        unit="metric",
        page=_CLOUDWATCH,
        seen="support.site24x7.com, AWS CloudWatch metrics cost calculation, November 2026",
    ),
    "alarms": Price(dollars=0.10, unit="alarm metric", page=_CLOUDWATCH, free=10, seen=_REPOSITORIES),
    "composite_alarms": Price(dollars=0.50, unit="alarm", page=_CLOUDWATCH, seen=_REPOSITORIES),
    "dashboards": Price(dollars=3.00, unit="dashboard", page=_CLOUDWATCH, seen=_CLOUDWATCH_NOTES, free=3),
    "logs_gb": Price(dollars=0.50, unit="GB", page=_CLOUDWATCH, seen=_CLOUDWATCH_NOTES, free=5),
    "logs_stored_gb": Price(dollars=0.03, unit="GB-month", page=_CLOUDWATCH, seen=_REPOSITORIES),
    "traces": Price(dollars=5e-6, unit="trace", page=f"{_AWS}/xray/pricing/", free=100e3, seen=_REPOSITORIES),
    "glue_dpu_hours": Price(
        dollars=0.44, unit="DPU-hour", page=_GLUE, seen="aws.amazon.com/glue/pricing, pricing examples"
    ),
    "glue_flexible_dpu_hours": Price(dollars=0.29, unit="DPU-hour", page=_GLUE, seen=_REPOSITORIES),
    "training_ml.m5.large_hours": Price(dollars=0.115, unit="hour", page=_SAGEMAKER, seen=_REPOSITORIES),
    "training_ml.m5.xlarge_hours": Price(dollars=0.23, unit="hour", page=_SAGEMAKER, seen=_REPOSITORIES),
    "training_ml.m5.2xlarge_hours": Price(dollars=0.461, unit="hour", page=_SAGEMAKER, seen=_REPOSITORIES),
    "training_ml.m5.4xlarge_hours": Price(dollars=0.922, unit="hour", page=_SAGEMAKER, seen=_REPOSITORIES),
    "training_ml.m5.12xlarge_hours": Price(dollars=2.765, unit="hour", page=_SAGEMAKER, seen=_REPOSITORIES),
    "training_ml.m5.24xlarge_hours": Price(dollars=5.53, unit="hour", page=_SAGEMAKER, seen=_REPOSITORIES),
    "training_ml.r5.24xlarge_hours": Price(dollars=7.258, unit="hour", page=_SAGEMAKER),
    "training_volume_gb": Price(dollars=0.14, unit="GB-month", page=_SAGEMAKER),
    "personalize_ingested_gb": Price(dollars=0.05, unit="GB", page=_PERSONALIZE, seen=_COMPARED),
    "personalize_trained": Price(dollars=2e-6, unit="interaction", page=_PERSONALIZE, seen=_COMPARED),
    "personalize_requests": Price(dollars=0.15e-3, unit="request", page=_PERSONALIZE, seen=_COMPARED),
    "personalize_legacy_requests": Price(dollars=0.0556e-3, unit="request", page=_PERSONALIZE, seen=_COMPARED),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Price table with its date. If `free_tier` is true, an account's free monthly units are subtracted."""

    table: Mapping[str, Price] = dataclasses.field(default_factory=lambda: TABLE)
    date: str = DATE
    region: str = REGION
    free_tier: bool = False

    def dollars(self, name: str, quantity: float) -> float:
        """Return the price of a monthly number of units, in dollars.

        Raises
        ------
        InvalidInput
            If the table does not contain the price.
        """
        price = self.table.get(name)
        if price is None:
            raise InvalidInput(f"the price table of {self.date} has no {name!r} (operations/prices.py)")
        return price.of(max(0.0, quantity - price.free) if self.free_tier else quantity)
