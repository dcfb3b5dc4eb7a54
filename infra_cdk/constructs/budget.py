"""Monthly budget that notifies operators before it is exceeded."""

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from alsolike.declarations.parameters import ENVIRONMENT_TAG
from infra_cdk.settings import Settings

SPENT_PERCENT, FORECAST_PERCENT = 80, 100


def monthly_budget(
    scope: Construct, construct_id: str, *, settings: Settings, dollars: int, alerts: sns.ITopic
) -> budgets.CfnBudget:
    account = cdk.Stack.of(scope).account
    alerts.add_to_resource_policy(
        iam.PolicyStatement(
            sid="BudgetsOfThisAccount",
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("budgets.amazonaws.com")],
            resources=[alerts.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{cdk.Aws.PARTITION}:budgets::{account}:*"},
            },
        )
    )
    return budgets.CfnBudget(
        scope,
        construct_id,
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:{ENVIRONMENT_TAG}${settings.name}"]},
        ),
        notifications_with_subscribers=[
            _notification("ACTUAL", SPENT_PERCENT, alerts),
            _notification("FORECASTED", FORECAST_PERCENT, alerts),
        ],
    )


def _notification(
    kind: Literal["ACTUAL", "FORECASTED"], percent: int, alerts: sns.ITopic
) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            notification_type=kind,
            comparison_operator="GREATER_THAN",
            threshold=percent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=alerts.topic_arn)],
    )
