"""Budgets. moto stores them but records no costs, so budgets are never exceeded."""

from local_cloud.resources.resource_type import Created, Creation, creates

_BUDGET = ("BudgetType", "CostFilters", "CostTypes", "TimeUnit")


@creates("AWS::Budgets::Budget")
def _create_budget(creation: Creation) -> Created:
    budget = creation.properties.section("Budget")
    name = str(budget.get("BudgetName") or creation.name(None, limit=100))
    limit = budget.section("BudgetLimit")
    creation.clients("budgets").create_budget(
        AccountId=creation.account,
        Budget={
            "BudgetName": name,
            "BudgetLimit": {"Amount": str(limit["Amount"]), "Unit": limit["Unit"]},
            **budget.take(*_BUDGET),
        },
        NotificationsWithSubscribers=creation.properties.get("NotificationsWithSubscribers", []),
    )
    return Created(name)
