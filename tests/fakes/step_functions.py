"""Step Functions in memory: executions that run until a test ends them, or that execute simple states."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.fakes.service import ACCOUNT_ID, REGION, MemoryService, Request, Response, ServiceError, operation, page

_PREFIX = f"arn:aws:states:{REGION}:{ACCOUNT_ID}"
_RUNNING = "RUNNING"


class MemoryStepFunctions(MemoryService):
    """All state machines of one account.

    Attributes
    ----------
    executes
        True to execute states of the types Pass, Succeed and Fail immediately. At any other state, an execution waits.
    now
        Clock of the times of state machines and executions.
    """

    def __init__(self) -> None:
        self.executes = False
        self.now: Callable[[], dt.datetime] = functools.partial(dt.datetime.now, dt.UTC)
        self._machines: dict[str, str] = {}
        self._executions: dict[str, dict[str, Any]] = {}
        self._histories: dict[str, Sequence[Mapping[str, Any]]] = {}

    def end_all(
        self, status: str = "SUCCEEDED", *, output: object = None, history: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        for arn, execution in self._executions.items():
            if execution["status"] == _RUNNING:
                execution.update(status=status, stopDate=self.now())
                if status == "SUCCEEDED":
                    execution["output"] = json.dumps(output)
                self._histories[arn] = history

    def forget_all(self) -> None:
        """Remove all executions, as Step Functions does 90 days after their end."""
        self._executions.clear()
        self._histories.clear()

    @operation("name", "definition", "roleArn")
    def create_state_machine(self, request: Request) -> Response:
        arn = f"{_PREFIX}:stateMachine:{request['name']}"
        self._machines[arn] = request["definition"]
        return {"stateMachineArn": arn, "creationDate": self.now()}

    @operation("stateMachineArn")
    def delete_state_machine(self, request: Request) -> Response:
        self._machines.pop(request["stateMachineArn"], None)
        return {}

    @operation("stateMachineArn", "definition")
    def update_state_machine(self, request: Request) -> Response:
        self._check_machine(request["stateMachineArn"])
        self._machines[request["stateMachineArn"]] = request["definition"]
        return {"updateDate": self.now()}

    @operation("stateMachineArn", "name", "input")
    def start_execution(self, request: Request) -> Response:
        machine, given = request["stateMachineArn"], request.get("input", "{}")
        self._check_machine(machine)
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request['name']}"
        known = self._executions.get(arn)
        if known and not (known["status"] == _RUNNING and known["input"] == given):
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        execution = known or {
            "executionArn": arn,
            "stateMachineArn": machine,
            "name": request["name"],
            "status": _RUNNING,
            "startDate": self.now(),
            "input": given,
        }
        self._executions[arn] = execution
        if self.executes and not known:
            self._execute(execution, json.loads(self._machines[machine]))
        return {"executionArn": arn, "startDate": execution["startDate"]}

    @operation("executionArn")
    def stop_execution(self, request: Request) -> Response:
        execution = self._execution(request)
        execution.update(status="ABORTED", stopDate=self.now())
        return {"stopDate": execution["stopDate"]}

    @operation("executionArn")
    def describe_execution(self, request: Request) -> Response:
        return dict(self._execution(request))

    @operation("stateMachineArn", "statusFilter", "maxResults", "nextToken")
    def list_executions(self, request: Request) -> Response:
        self._check_machine(request["stateMachineArn"])
        found = [
            {name: value for name, value in one.items() if name not in ("input", "output", "error", "cause")}
            for one in reversed(self._executions.values())
            if one["stateMachineArn"] == request["stateMachineArn"]
            and request.get("statusFilter") in (None, one["status"])
        ]
        shown, rest = page(found, request, size="maxResults", token="nextToken")
        return {"executions": shown, **rest}

    @operation("executionArn", "maxResults", "nextToken", "reverseOrder")
    def get_execution_history(self, request: Request) -> Response:
        events = list(self._histories.get(self._execution(request)["executionArn"], ()))
        events = events[::-1] if request.get("reverseOrder") else events
        shown, rest = page(events, request, size="maxResults", token="nextToken")
        return {"events": shown, **rest}

    def _execute(self, execution: dict[str, Any], definition: Mapping[str, Any]) -> None:
        now = self.now()
        events: list[dict[str, Any]] = []
        self._histories[execution["executionArn"]] = events
        run, name = json.loads(execution["input"]), definition["StartAt"]

        def record(**details: Any) -> None:
            events.append({"id": len(events) + 1, "timestamp": now, **details})

        while True:
            state = definition["States"][name]
            record(stateEnteredEventDetails={"name": name})
            if state["Type"] == "Fail":
                execution.update(status="FAILED", stopDate=now, error=state["Error"], cause=state["Cause"])
            if state["Type"] not in ("Pass", "Succeed"):
                return
            if "Result" in state:
                run[state["ResultPath"].removeprefix("$.")] = state["Result"]
            record(stateExitedEventDetails={"name": name, "output": json.dumps(run)})
            if state["Type"] == "Succeed":
                execution.update(status="SUCCEEDED", stopDate=now, output=json.dumps(run))
                return
            name = state["Next"]

    def _check_machine(self, arn: str) -> None:
        if arn not in self._machines:
            raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")

    def _execution(self, request: Request) -> dict[str, Any]:
        arn = request["executionArn"]
        if not arn.startswith("arn:"):
            raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'")
        if arn not in self._executions:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return self._executions[arn]
