"""Command `alsolike recommend`: recommendations for a user over the HTTP API, or for many users in a batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from cli import terminal
from cli.explain import reasons_text
from cli.next_steps import check_can_recommend
from cli.options import Context, FilterValues, Recommender, User, filter_values, interruptible
from operations.client.api import Api
from operations.client.signed_api import Recommendations
from operations.progress import counted

if TYPE_CHECKING:
    from operations.batch.batch_client import BatchRequest
    from operations.batch.user_ids import FailedUsers
    from operations.batch.workflow import BatchRun

_K, _K_OF_MANY = 10, 25
_PARALLEL = 8
_OUTPUT = "recommendations.parquet"


def recommend(
    context: Context,
    user: User = None,
    users: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="File of user IDs: one per line, or CSV or Parquet with a column USER_ID; - is standard input.",
        ),
    ] = None,
    k: Annotated[
        int | None,
        Option("--num-results", "-k", min=1, max=500, help="Number of items.", show_default="10; 25 with --users"),
    ] = None,
    recommender: Recommender = None,
    items: Annotated[
        list[str] | None,
        Option("--item", metavar="ID", help="Item for related items; repeat it for the items of a cart."),
    ] = None,
    filter_name: Annotated[str | None, Option("--filter", metavar="NAME", help="Name of a filter.")] = None,
    values: FilterValues = None,
    explain: Annotated[bool, Option("--explain", help="Show the reasons for each item.")] = False,
    metadata: Annotated[
        str | None, Option(help="Columns to show, separated by commas; '' for none.", show_default="TITLE")
    ] = None,
    path: Annotated[
        str | None,
        Option(
            "--output", help="Parquet file for many users; with --workflow, s3://bucket/prefix/.", show_default=_OUTPUT
        ),
    ] = None,
    parallel: Annotated[
        int | None, Option(min=1, max=16, help="Concurrent invocations for many users.", show_default=str(_PARALLEL))
    ] = None,
    workflow: Annotated[
        bool, Option("--workflow", help="Run the deployment's batch workflow, which writes to S3.")
    ] = False,
) -> None:
    """Show recommendations for a user or for items.

    With --users, write recommendations for many users to a file. The file has one row per item: user_id, rank, item_id,
    score, source, model_version, recommender. If users failed, the exit status is 1. FILE.failed.csv lists these users
    with reasons. It is next to the input, or next to the output if the input is - or in S3. With --workflow, or an
    --output in S3, the deployment's batch workflow writes the file.

    Example: alsolike recommend --user 42 -k 5 --recommender trending
    """
    user_options = {"--user": user, "--item": items or None, "--explain": explain or None, "--metadata": metadata}
    batch_options = {"--output": path, "--parallel": parallel, "--workflow": workflow or None}
    _refuse(user_options, condition=users is not None, reason="goes with one user, not with --users")
    _refuse(batch_options, condition=users is None, reason="goes with --users")
    in_s3 = path is not None and path.startswith("s3://")
    if workflow and path is not None and not in_s3:
        raise typer.BadParameter(f"--output is {path!r}, expected s3://bucket/prefix/: --workflow writes to S3")
    _refuse(
        {"--parallel": parallel}, condition=workflow or in_s3, reason="is a setting of the deployment with --workflow"
    )
    parameters = filter_values(values, has_filter=filter_name is not None or recommender is not None)
    if users is not None:
        from operations.batch.batch_client import BatchRequest

        request = BatchRequest(recommender or "for-you", k or _K_OF_MANY, filter_name, parameters)
        if workflow or in_s3:
            _run_workflow(context, users, request, uri=path)
        else:
            path = path or _OUTPUT
            _recommend_to_many(context, users, request, path=Path(path), parallel=parallel or _PARALLEL)
        return
    if user is None and not items and recommender is None:
        raise typer.BadParameter("expected --user ID, --item ID or --users FILE")

    columns = [name.strip() for name in ("TITLE" if metadata is None else metadata).split(",") if name.strip()]
    item, cart = (items[0], []) if items and len(items) == 1 else (None, items or [])
    default = "bought-together" if cart else "similar-items" if user is None else None
    deployment = context.deployment
    answer = Api(deployment).recommendations(
        user,
        k=k or _K,
        metadata=columns,
        recommender=recommender or default,
        item_id=item,
        cart=cart,
        filter_name=filter_name,
        filter_values=parameters,
        explain=explain,
    )
    if not answer.items and answer.model_version is None:
        check_can_recommend(deployment, reach=context.options)
    if not answer.items or answer.unknown_columns:
        from operations.filters import catalogue

        for sentence in (
            catalogue.contradictions_of(deployment, filter_name) if filter_name and not answer.items else ()
        ):
            terminal.say(f"alsolike: {sentence}")
        if metadata is not None and answer.unknown_columns:
            catalogue.check_columns(deployment, answer.unknown_columns, option="--metadata")
    if not context.printed(dataclasses.asdict(answer)):
        _print(answer, explain=explain)


def _refuse(options: Mapping[str, object], *, condition: bool, reason: str) -> None:
    for option, value in options.items():
        if condition and value is not None:
            raise typer.BadParameter(f"{option} {reason}")


def _print(answer: Recommendations, *, explain: bool) -> None:
    shown = {name.lower(): name for item in answer.items for name in item.metadata}
    terminal.print_table(
        ["rank", "item", *shown.values(), "score", *(["because of"] if explain else [])],
        [
            [rank, item.item_id, *map(item.metadata.get, shown.values()), item.score,
             *([reasons_text(item.reasons)] if explain else [])]
            for rank, item in enumerate(answer.items, start=1)
        ],
    )  # fmt: skip
    parts = [f"source {answer.source}", f"model {answer.model_version or 'none'}", f"{answer.duration_ms:.0f} ms"]
    if answer.cold:
        parts.insert(1, f"{answer.cold} new to the model")
    if answer.filled:
        parts.insert(1, f"the last {answer.filled} popular")
    if answer.degraded:
        parts.append(f"degraded: {answer.degraded}")
    if answer.rules:
        parts.append(f"rules {answer.rules}")
    if answer.unmet_rules:
        parts.append(f"unsatisfied rules: {answer.unmet_rules}")
    terminal.print_line(", ".join(parts))


def _recommend_to_many(context: Context, users: str, request: BatchRequest, *, path: Path, parallel: int) -> None:
    from operations.batch.batch_client import BatchClient
    from operations.batch.run import failed_path, recommend_to
    from operations.batch.table import RecommendationFile
    from operations.batch.user_ids import FailedUsers, UserIds

    deployment = context.deployment
    ids = UserIds(users, lambda: deployment.client("s3"))
    client = BatchClient(deployment.client("lambda"), deployment.names.recommend_function, request)
    table = RecommendationFile(
        path, recommender=request.recommender
    )  # Reject an invalid path before the first request.
    with (
        interruptible(lambda: "alsolike: stopped; nothing was written"),
        FailedUsers(failed_path(users, path)) as failed,
        table as file,
        terminal.step(f"recommend to {ids.name}", total=ids.size_bytes) as step,
    ):
        summary = recommend_to(ids, client, file, failed, k=request.k, parallel=parallel, step=step)
    if summary.users > summary.failed and not summary.items:
        check_can_recommend(deployment, reach=context.options)
    document = {**dataclasses.asdict(summary), "users_per_s": summary.users_per_s, "output": str(path)}
    context.print(
        {**document, "failed_file": str(failed.path) if summary.failed else None},
        _totals(summary.users, summary.items, summary.seconds, f"in {path}"),
        ", ".join(f"{count:,} from {source}" for source, count in summary.sources.items()),
        *(f"degraded: {count:,} x {reason}" for reason, count in summary.degraded.items()),
    )
    _report_failed(failed)


def _run_workflow(context: Context, users: str, request: BatchRequest, *, uri: str | None) -> None:
    from operations.batch import workflow
    from operations.batch.run import failed_path
    from operations.batch.user_ids import FailedUsers, UserIds

    deployment = context.deployment
    ids = UserIds(users, lambda: deployment.client("s3"))
    run = None
    with interruptible(lambda: stopped_text(run)), FailedUsers(failed_path(users, Path(_OUTPUT))) as failed:
        with terminal.step(f"store users of {ids.name}", total=ids.size_bytes) as step:
            run = workflow.start(ids, request, failed, deployment=deployment, step=step)
        with terminal.step(f"run {run.name}", total=run.batches) as step:
            outcome = workflow.follow(run, failed, deployment=deployment, step=step)
    if uri is not None:
        outcome = dataclasses.replace(outcome, uri=workflow.copy(run, uri, deployment=deployment))
    context.print(
        {**dataclasses.asdict(outcome), "run": run.name, "execution_arn": run.execution_arn},
        _totals(outcome.users, outcome.items, outcome.seconds, f"in {outcome.parts:,} parts of {outcome.uri}"),
    )
    _report_failed(failed)


def stopped_text(run: BatchRun | None) -> str:
    return "alsolike: stopped" + (
        f"; the workflow continues without this command, as execution {run.name}" if run else ""
    )


def _totals(users: int, items: int, seconds: float, place: str) -> str:
    pace = f"{users / max(seconds, 1e-9):,.0f} users/s"
    return f"{counted(users, 'user')}, {counted(items, 'item')} in {seconds:.1f} s, {pace}, {place}"


def _report_failed(failed: FailedUsers) -> None:
    if failed.count:
        terminal.say(
            f"alsolike: {counted(failed.count, 'user')} without an answer, listed with reasons in {failed.path}"
        )
        raise typer.Exit(1)
