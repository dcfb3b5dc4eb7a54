import pytest

from local_cloud.deployer import DeploymentError
from moto_cloud import ACCOUNT, MotoCloud

BUDGET = "AWS::Budgets::Budget"
DATA = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": 200, "Unit": "USD"}}


def test_budget_has_its_limit_and_notifications(cloud: MotoCloud) -> None:
    notification = {
        "Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80},
        "Subscribers": [{"SubscriptionType": "SNS", "Address": "arn:aws:sns:eu-west-1:123456789012:alerts"}],
    }
    filters = {"TagKeyValue": ["user:shop:environment$prod"]}

    budget = cloud.create(BUDGET, Budget={**DATA, "CostFilters": filters}, NotificationsWithSubscribers=[notification])

    client = cloud.client("budgets")
    (kept,) = client.describe_budgets(AccountId=ACCOUNT)["Budgets"]
    assert kept["BudgetName"] == budget.physical_id
    assert kept["BudgetLimit"] == {"Amount": "200", "Unit": "USD"}
    assert kept["CostFilters"] == filters
    notifications = client.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=budget.physical_id)
    assert [each["Threshold"] for each in notifications["Notifications"]] == [80]


def test_budget_property_unsupported_by_moto_is_refused(cloud: MotoCloud) -> None:
    with pytest.raises(DeploymentError, match=r"Budget\.AutoAdjustData"):
        cloud.create(BUDGET, Budget={**DATA, "AutoAdjustData": {"AutoAdjustType": "HISTORICAL"}})
