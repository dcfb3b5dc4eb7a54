"""Changes that show and delete the stacks of this cloud."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.moto_server import werkzeug_app

from local_cloud.moto_changes.change import Change, Runtime, wrapping


def show_stacks(runtime: Runtime) -> None:
    """moto knows no stacks that were deployed here."""
    server: Any = werkzeug_app
    create = server.create_backend_app

    def create_backend_app(service: str) -> Any:
        if service == "cloudformation":  # On demand, because the import takes 0.3 s.
            answer_with_stacks(runtime)
        return create(service)

    server.create_backend_app = create_backend_app


def answer_with_stacks(runtime: Runtime) -> None:
    from moto.cloudformation.responses import CloudFormationResponse

    for operation in ("get_template", "describe_stacks", "list_stack_resources", "delete_stack"):
        wrapping(CloudFormationResponse, operation)(_first(getattr(runtime.stacks, operation)))


def _first(answer: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a method that serves the stacks that this cloud deployed, and calls `original` for other stacks."""

    def answered(original: Any, self: Any) -> Any:
        response = answer(self._get_param("StackName"))
        if response is None:
            return original(self)
        return ActionResult(response) if response else EmptyResult()

    return answered


CHANGES: Final[Sequence[Change]] = (show_stacks,)
