"""The monthly cost of a deployment: an itemised bill from the synthesized templates, a load and a dated price table.

The package calls neither AWS nor the CDK::

    from operations import cost

    summary = cost.read_assembly(Path("cdk.out"))
    load = cost.Load(users=100_000, events_per_day=500_000, requests_per_day=200_000, items=20_000)
    bill = cost.estimate(summary, load)
    bill.dollars, bill.fixed_dollars, bill.to_json()
    [saving.to_json() for saving in cost.savings(summary, load)]
    cost.estimate_personalize(load).dollars
"""

from operations.cost.bill import Bill, Line, Load, remarks
from operations.cost.charges import estimate, estimate_personalize
from operations.cost.resources import BilledResources, read_assembly, summarize
from operations.cost.savings import Saving, savings
from operations.cost.traffic import Duration

__all__ = [
    "Bill", "BilledResources", "Duration", "Line", "Load", "Saving",
    "estimate", "estimate_personalize", "read_assembly", "remarks", "savings", "summarize",
]  # fmt: skip
