"""Dated table of AWS prices in dollars for us-east-1.

`source` is the public page that confirmed a price at that date. Most of AWS's price pages load prices by script and
could not be read. Prices without a source, and most tiers, are not confirmed. Every bill lists its prices without a
source. Check prices before you rely on a total.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

DATE = "2026-11-26"
REGION = "us-east-1"


@dataclasses.dataclass(frozen=True, slots=True)
class Price:
    """Price of one unit.

    `tiers` are pairs of a monthly number of units and the price of further units, ascending. `free` is the number of
    units per month that are always free per account.
    """

    service: str
    dollars: float
    unit: str
    source: str = ""
    tiers: tuple[tuple[float, float], ...] = ()
    free: float = 0.0

    def of(self, quantity: float) -> float:
        """Return the price of a monthly number of units, in dollars."""
        dollars, start, rate = 0.0, 0.0, self.dollars
        for since, lower in self.tiers:
            if quantity <= since:
                break
            dollars += (since - start) * rate
            start, rate = since, lower
        return dollars + (quantity - start) * rate


_API = "docs.aws.amazon.com/whitepapers, Best Practices for Private APIs: REST and HTTP API pricing"
_BACKUP = "factualminds.com/blog/aws-backup-pricing-vaults-cross-region-restores, June 2026"
_CLOUDFRONT = "wring.co/blog/aws-cloudfront-pricing-guide, March 2026"
_COMPARED = "third-party pages, mid-2026"
_DYNAMODB = "airbyte.com/data-engineering-resources/dynamodb-pricing, July 2025"
_ENDPOINT = "c3x.dev/resources/aws/aws_vpc_endpoint, its price page for the tiers"
_EVENTBRIDGE = "factualminds.com/blog/amazon-eventbridge-pricing-events-pipes-schema-archive, June 2026"
_HEALTH_CHECKS = "wewantcode.com/en/course/aws/lesson/7-84-health-checks-status-check.html"
_KINESIS = "awsnegotiations.com/kinesis-pricing-optimization.html, May 2026"
_KMS = "factualminds.com/blog/aws-kms-pricing-keys-requests-multi-region, June 2026"
_LAMBDA = "git.mcrn.ar/mariano/lambda_local_runner, May 2026"
_LOGS = "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, June 2026"
_METRICS = "signoz.io/guides/cloudwatch-pricing, February 2026"
_METRICS_READ = "support.site24x7.com, AWS CloudWatch metrics cost calculation, November 2026"
_OWN = "its price page"
_BETWEEN_REGIONS = "awsnegotiations.com/cross-region-transfer-minimization.html, May 2026"
_REPOSITORIES = "cost notes of several public repositories"
_S3 = "cloudburn.io/blog/amazon-s3-pricing, March 2026"
_S3_INFREQUENT = "costnimbus.com/article/s3-storage-classes-cost-guide, March 2026"
_SECRETS = "hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms"
_SNAP_START = "awsnegotiations.com/blog/lambda-snapstart-cost-impact, May 2026"
_TRANSFER = "amnic.com/blogs/aws-api-gateway-pricing, apigatewaycost.com/aws"
_WAF = "c3x.dev/blog/aws-waf-cost-explained, awsnegotiations.com/waf-pricing-strategy.html"

_LAMBDA_ARM_TIERS = ((7.5e9, 0.0000120001), (18.75e9, 0.0000106667))
_LAMBDA_X86_TIERS = ((6e9, 0.000015), (15e9, 0.0000133334))
_REST_TIERS = ((333e6, 2.80e-6), (1e9, 2.38e-6), (20e9, 1.51e-6))
_TRANSFER_TIERS = ((10e3, 0.085), (50e3, 0.07), (150e3, 0.05))
_CLOUDFRONT_TIERS = ((10e3, 0.08), (50e3, 0.06), (150e3, 0.04), (500e3, 0.03), (1_024e3, 0.025), (5e6, 0.02))
_METRIC_TIERS = ((10e3, 0.10), (250e3, 0.05), (1e6, 0.02))

TABLE: Mapping[str, Price] = {
    "lambda_requests": Price("Lambda", 0.20e-6, "call", _LAMBDA, free=1e6),
    "lambda_arm_gb_s": Price("Lambda", 0.0000133334, "GB-s", _LAMBDA, tiers=_LAMBDA_ARM_TIERS, free=400e3),
    "lambda_x86_gb_s": Price("Lambda", 0.0000166667, "GB-s", _LAMBDA, tiers=_LAMBDA_X86_TIERS, free=400e3),
    "lambda_storage_gb_s": Price("Lambda", 0.0000000309, "GB-s", _REPOSITORIES),
    "snap_start_cache_gb_s": Price("Lambda", 0.0000015046, "GB-s", _SNAP_START),
    "snap_start_restore_gb": Price("Lambda", 0.0001397998, "GB", _SNAP_START),
    "provisioned_arm_gb_s": Price("Lambda", 0.0000033334, "GB-s", _REPOSITORIES),
    "provisioned_x86_gb_s": Price("Lambda", 0.0000041667, "GB-s", _REPOSITORIES),
    "kinesis_shard_hours": Price("Kinesis", 0.015, "shard-hour", _KINESIS),
    "kinesis_puts": Price("Kinesis", 0.014e-6, "PUT unit", _KINESIS),
    "kinesis_extended_shard_hours": Price("Kinesis", 0.020, "shard-hour", _KINESIS),
    "kinesis_long_term_gb": Price("Kinesis", 0.023, "GB-month"),
    "kinesis_on_demand_hours": Price("Kinesis", 0.04, "stream-hour", _REPOSITORIES),
    "kinesis_on_demand_in_gb": Price("Kinesis", 0.08, "GB", _REPOSITORIES),
    "kinesis_on_demand_out_gb": Price("Kinesis", 0.04, "GB", _REPOSITORIES),
    "kinesis_on_demand_extended_gb": Price("Kinesis", 0.10, "GB-month"),
    "api_calls": Price("API Gateway", 1.00e-6, "call", _API, tiers=((300e6, 0.90e-6),)),
    "rest_api_calls": Price("API Gateway", 3.50e-6, "call", _API, tiers=_REST_TIERS),
    "dynamodb_writes": Price("DynamoDB", 0.625e-6, "write unit", _DYNAMODB),
    "dynamodb_reads": Price("DynamoDB", 0.125e-6, "read unit", _DYNAMODB),
    "dynamodb_gb": Price("DynamoDB", 0.25, "GB-month", _OWN, free=25),
    "dynamodb_backup_gb": Price("DynamoDB", 0.20, "GB-month", _REPOSITORIES),
    "s3_gb": Price("S3", 0.023, "GB-month", _S3, tiers=((50e3, 0.022), (500e3, 0.021))),
    "s3_infrequent_gb": Price("S3", 0.0125, "GB-month", _S3_INFREQUENT),
    "s3_writes": Price("S3", 5e-6, "PUT or LIST", _REPOSITORIES),
    "s3_reads": Price("S3", 0.4e-6, "GET", _REPOSITORIES),
    "transfer_gb": Price("Data transfer", 0.09, "GB", _TRANSFER, tiers=_TRANSFER_TIERS, free=100),
    "region_gb": Price("Data transfer", 0.02, "GB", _BETWEEN_REGIONS),
    "cloudfront_gb": Price("CloudFront", 0.085, "GB", _OWN, tiers=_CLOUDFRONT_TIERS, free=1_000),
    "cloudfront_requests": Price("CloudFront", 1e-6, "HTTPS request", _CLOUDFRONT, free=10e6),
    "secrets": Price("Secrets Manager", 0.40, "secret", _SECRETS),
    "kms_keys": Price("KMS", 1.00, "key", _KMS),
    "kms_requests": Price("KMS", 3e-6, "request", _KMS, free=20_000),
    "web_acls": Price("WAF", 5.00, "web ACL", _WAF),
    "firewall_rules": Price("WAF", 1.00, "rule", _WAF),
    "firewall_requests": Price("WAF", 0.60e-6, "request", _WAF),
    "health_checks": Price("Route 53", 2.50, "check", _HEALTH_CHECKS),
    "endpoint_hours": Price("VPC", 0.01, "interface-hour", _ENDPOINT),
    "endpoint_gb": Price("VPC", 0.01, "GB", _ENDPOINT, tiers=((1e6, 0.006), (5e6, 0.004))),
    "data_events": Price("CloudTrail", 1e-6, "event"),
    "backup_table_gb": Price("Backup", 0.10, "GB-month", _BACKUP),
    "backup_bucket_gb": Price("Backup", 0.05, "GB-month"),
    "events": Price("EventBridge", 1.00e-6, "event", _EVENTBRIDGE),
    "transitions": Price("Step Functions", 25e-6, "transition", "aws.amazon.com/step-functions/pricing", free=4_000),
    "metrics": Price("CloudWatch", 0.30, "series-month", _METRICS, tiers=_METRIC_TIERS, free=10),
    "metrics_read": Price("CloudWatch", 0.01e-3, "metric", _METRICS_READ),
    "alarms": Price("CloudWatch", 0.10, "alarm metric", _REPOSITORIES, free=10),
    "composite_alarms": Price("CloudWatch", 0.50, "alarm", _REPOSITORIES),
    "dashboards": Price("CloudWatch", 3.00, "dashboard", _LOGS, free=3),
    "logs_gb": Price("CloudWatch", 0.50, "GB", _LOGS, free=5),
    "logs_stored_gb": Price("CloudWatch", 0.03, "GB-month", _REPOSITORIES),
    "traces": Price("X-Ray", 5e-6, "trace", _REPOSITORIES, free=100e3),
    "glue_dpu_hours": Price("Glue", 0.44, "DPU-hour", "aws.amazon.com/glue/pricing, pricing examples"),
    "glue_flexible_dpu_hours": Price("Glue", 0.29, "DPU-hour", _REPOSITORIES),
    "training_ml.m5.large_hours": Price("SageMaker", 0.115, "hour", _REPOSITORIES),
    "training_ml.m5.xlarge_hours": Price("SageMaker", 0.23, "hour", _REPOSITORIES),
    "training_ml.m5.2xlarge_hours": Price("SageMaker", 0.461, "hour", _REPOSITORIES),
    "training_ml.m5.4xlarge_hours": Price("SageMaker", 0.922, "hour", _REPOSITORIES),
    "training_ml.m5.12xlarge_hours": Price("SageMaker", 2.765, "hour", _REPOSITORIES),
    "training_ml.m5.24xlarge_hours": Price("SageMaker", 5.53, "hour", _REPOSITORIES),
    "training_ml.r5.24xlarge_hours": Price("SageMaker", 7.258, "hour"),
    "training_volume_gb": Price("SageMaker", 0.14, "GB-month"),
    "personalize_ingested_gb": Price("Personalize", 0.05, "GB", _COMPARED),
    "personalize_trained": Price("Personalize", 2e-6, "interaction", _COMPARED),
    "personalize_requests": Price("Personalize", 0.15e-3, "request", _COMPARED),
    "personalize_legacy_requests": Price("Personalize", 0.0556e-3, "request", _COMPARED),
}


def dollars(name: str, quantity: float, *, free_tier: bool = False) -> float:
    """Return the price of a monthly number of units, in dollars."""
    price = TABLE[name]
    return price.of(max(0.0, quantity - price.free) if free_tier else quantity)
