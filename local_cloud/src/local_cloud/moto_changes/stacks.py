"""Changes that show and delete the stacks of this cloud."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.moto_server import werkzeug_app

from local_cloud.moto_changes.change import Change, Runtime, replace


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

    def get_template(name: str) -> Any:
        template = runtime.stacks.template(name)
        return template and ActionResult({"TemplateBody": template, "StagesAvailable": ["Original", "Processed"]})

    def describe_stacks(name: str | None) -> Any:
        found = runtime.stacks.describe(name)
        return found and ActionResult({"Stacks": found})

    def list_stack_resources(name: str) -> Any:
        found = runtime.stacks.resources(name)
        return None if found is None else ActionResult({"StackResourceSummaries": found})

    def delete_stack(name: str) -> Any:
        return EmptyResult() if runtime.stacks.delete(name) else None

    for answer in (get_template, describe_stacks, list_stack_resources, delete_stack):
        replace(
            CloudFormationResponse, answer.__name__, _first(answer, getattr(CloudFormationResponse, answer.__name__))
        )


def _first(answer: Callable[[Any], Any], original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a method that serves the stacks that this cloud deployed, and calls `original` for other stacks."""

    @functools.wraps(original)
    def answered(self: Any) -> Any:
        return answer(self._get_param("StackName")) or original(self)

    return answered


CHANGES: Final[Sequence[Change]] = (show_stacks,)
