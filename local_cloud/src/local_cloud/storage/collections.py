"""Small collections of moto's objects, such as parameters, keys, users, models and executions."""

import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from moto.cognitoidp.models import cognitoidp_backends
from moto.glue.models import glue_backends
from moto.kms.models import kms_backends
from moto.sagemaker.models import sagemaker_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import ssm_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local_cloud.storage import executions, pickling

_LEFT_BEHIND = "The embedded cloud ended while this job ran. Start it again."


@dataclass(frozen=True)
class Collection:
    """Objects of one type, by name.

    Requests to `service`, a signing name, change the collection. `restore` adds an object, or replaces an object that
    the template has created. With `is_random`, each deployment of the template creates different objects. They are
    stored at the start, even if no request changes them. `is_final` returns true for objects that no longer change.
    """

    name: str
    service: str
    entries: Callable[[], Iterable[tuple[str, Any]]]
    restore: Callable[[str, Any], None]
    write: Callable[[Any], bytes] = pickling.dumps
    read: Callable[[bytes], Any] = pickling.loads
    is_final: Callable[[Any], bool] = lambda value: False
    is_random: bool = False


def collections_of(*, region: str, account: str) -> tuple[Collection, ...]:
    ssm, secrets = ssm_backends[account][region], secretsmanager_backends[account][region]
    sagemaker, glue = sagemaker_backends[account][region], glue_backends[account][region]
    cognito, sqs = cognitoidp_backends[account][region], sqs_backends[account][region]
    kms, workflows = kms_backends[account][region], cast("Any", stepfunctions_parser_backends[account][region])

    def nested(owners: Callable[[], Iterable[tuple[str, dict[str, Any]]]]) -> dict[str, Any]:
        """Return `entries` and `restore` of a collection. Other objects own its entries, as user pools own users.

        `owners` returns the names of the owners, and their dictionaries of entries.
        """

        def restore(name: str, value: Any) -> None:
            owner, _, key = name.partition("|")
            _put(dict(owners()).get(owner), key, value)

        return {
            "entries": lambda: [(f"{owner}|{key}", value) for owner, part in owners() for key, value in part.items()],
            "restore": restore,
        }

    def restore_user(name: str, user: Any) -> None:
        pool: Any = cognito.user_pools.get(name.partition("|")[0])
        if pool is not None:
            # Each stored user contains copies of its groups, and each stored group contains copies of its users.
            user.groups = {pool.groups[group.group_name] for group in user.groups if group.group_name in pool.groups}
            for group in pool.groups.values():
                others = {member for member in group.users if member.username != user.username}
                group.users = others | ({user} if group in user.groups else set())
            _put(pool.users, name.partition("|")[2], user)

    def messages() -> list[tuple[str, Any]]:
        return [
            (f"{name}|{message.id}", message)
            for name, queue in list(sqs.queues.items())
            for message in list(queue._messages)
        ]

    def restore_message(name: str, message: Any) -> None:
        queue = sqs.queues.get(name.partition("|")[0])
        if queue is not None:
            bisect.insort(queue._messages, message, key=lambda stored: int(stored.sent_timestamp or 0))

    def runs() -> list[tuple[str, Any]]:
        return [
            (f"{machine.arn}|{execution.name}", execution)
            for machine in list(workflows.state_machines)
            for execution in list(machine.executions)
        ]

    def restore_run(name: str, record: Any) -> None:
        arn = name.partition("|")[0]
        machine = next((machine for machine in workflows.state_machines if machine.arn == arn), None)
        if machine is not None:
            execution = executions.execution_of(record, machine)
            bisect.insort(machine.executions, execution, key=lambda stored: stored.start_date)

    def glue_runs() -> list[tuple[str, Any]]:
        return [(f"{name}|{run.job_run_id}", run) for name, job in glue.jobs.items() for run in list(job.job_runs)]

    def restore_glue_run(name: str, run: Any) -> None:
        job = glue.jobs.get(name.partition("|")[0])
        if job is not None:
            if run.status not in ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"):
                run.status, run.error_message = "FAILED", _LEFT_BEHIND
            bisect.insort(job.job_runs, run, key=lambda stored: stored.started_on)

    def restore_training(name: str, job: Any) -> None:
        if job.training_job_status == "InProgress":
            job.training_job_status = job.secondary_status = "Failed"
            job.failure_reason = _LEFT_BEHIND
        _put(sagemaker.training_jobs, name, job)

    def restore_key_material(name: str, material: tuple[Any, ...]) -> None:
        if name in kms.keys:
            kms.keys[name].key_material, kms.keys[name].private_key = material

    return (
        # Each deployment creates random key material, so the material is stored. Stored keys contain their material.
        _dict_collection("kms.keys", "kms", kms.keys),
        Collection(
            "kms.key_material",
            "kms",
            entries=lambda: [(key.id, (key.key_material, key.private_key)) for key in list(kms.keys.values())],
            restore=restore_key_material,
            is_random=True,
        ),
        _dict_collection("ssm.parameters", "ssm", ssm._parameters),
        _dict_collection("secretsmanager.secrets", "secretsmanager", secrets.secrets),
        _dict_collection("sagemaker.model_packages", "sagemaker", sagemaker.model_packages),
        _dict_collection("sagemaker.model_package_names", "sagemaker", sagemaker.model_package_name_mapping),
        Collection(
            "sagemaker.training_jobs",
            "sagemaker",
            entries=lambda: list(sagemaker.training_jobs.items()),
            restore=restore_training,
        ),
        Collection(
            "cognito.groups",
            "cognito-idp",
            **nested(lambda: [(pool.id, pool.groups) for pool in cognito.user_pools.values()]),
        ),
        Collection(
            "cognito.users",  # restored after the groups that users refer to
            "cognito-idp",
            **nested(lambda: [(pool.id, pool.users) for pool in cognito.user_pools.values()])
            | {"restore": restore_user},
        ),
        Collection(
            "glue.tables",
            "glue",
            **nested(lambda: [(database.name, database.tables) for database in glue.databases.values()]),
        ),
        Collection("glue.job_runs", "glue", entries=glue_runs, restore=restore_glue_run),
        Collection("sqs.messages", "sqs", entries=messages, restore=restore_message),
        Collection(
            "states.executions",
            "states",
            entries=runs,
            restore=restore_run,
            write=lambda execution: pickling.dumps(executions.record_of(execution)),
            is_final=executions.has_ended,
        ),
    )


def _dict_collection(name: str, service: str, stored: dict[str, Any]) -> Collection:
    return Collection(
        name,
        service,
        entries=lambda: list(dict.items(stored)),
        restore=lambda key, value: _put(stored, key, value),
    )


def _put(stored: dict[str, Any] | None, key: str, value: Any) -> None:
    if stored is not None:  # None means that the template no longer has the resource.
        stored[key] = value
