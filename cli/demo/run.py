"""The steps of the demo."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from alsolike.errors import AlsolikeError, Unavailable
from alsolike.profiles import Profile, ProfileStore
from cli import boot, console, dataset_quality, deployment, model_versions, training_run
from cli.api import Api
from cli.console import Step
from cli.demo import comparison, journey, reference, replay
from cli.demo.journey import Journey
from cli.demo.reference import ReferenceModel
from cli.demo.replay import Plan
from cli.demo.summary import Check, Latency, Summary
from cli.deployment import Deployment
from cli.importing.load import import_interactions
from cli.importing.load_metadata import import_items, import_users
from local_cloud.client import Cloud

DIRECTORY = Path(".alsolike/demo")
ENVIRONMENT = "demo"
HELD_BACK_DAYS = 3
MOST_CALLS = 300
MOST_RECORDS = 600
MOST_COMPARED = 25
LATENCY_REQUESTS = 200
PROFILE_TIMEOUT_S = 90.0
CHAMPION_TIMEOUT_S = 60.0


class DemoFailed(AlsolikeError):
    """A check of the demo failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Replayed:
    """The profiles of everybody in the replay, before and after it, and how long their events took."""

    before: dict[str, Profile]
    after: dict[str, Profile]
    seconds: float


class Demo:
    """One run of the demo.

    Parameters
    ----------
    state
        State file of the embedded cloud.
    users
        How many households; None for all.
    """

    def __init__(self, *, state: Path, users: int | None) -> None:
        self.summary = Summary()
        self._state = state
        self._cloud: Cloud | None = None
        self._users = users

    @property
    def cloud(self) -> Cloud:
        """The embedded cloud, within `running`."""
        if self._cloud is None:
            raise Unavailable("the demo's cloud does not run yet")
        return self._cloud

    @contextlib.contextmanager
    def running(self) -> Iterator[Deployment]:
        """Run every step; within the context the cloud is still up.

        Raises
        ------
        AlsolikeError
            If a step fails; `summary` then says what was found until there.
        """
        boot.claim(self._state)
        assembly = DIRECTORY / "cdk.out"
        with self._timed("build layers"):
            boot.build_layers()
        with self._timed("build pages"):
            boot.build_pages()
        with self._timed("synthesize"):
            boot.synthesize(ENVIRONMENT, assembly)
        with contextlib.ExitStack() as stack:
            with self._timed("deploy"):
                self._cloud = stack.enter_context(boot.running_cloud(assembly, state=self._state))
                where = deployment.of_cloud(self._cloud)
                boot.publish_pages(where)
            self._loop(where)
            yield where

    def _loop(self, where: Deployment) -> None:
        """Events in, model trained, recommendations out."""
        api, store = Api(where), ProfileStore(where.client("dynamodb"), where.names.profiles_table)
        data = self._prepare()
        self._import(data, where)
        model = self._train(where, api)
        plan = replay.plan(data.held_back, most_calls=MOST_CALLS, most_records=MOST_RECORDS)
        compared = [*list(plan.calls)[: MOST_COMPARED - 5], *list(plan.records)[:5]]
        profiles = replay.read_profiles(plan.users, store)
        with self._step("recommendations before", total=len(compared)) as step:
            before = comparison.ask(compared, profiles, api, model, on_answer=step.advance)
        replayed = self._replay(plan, profiles, where, store)
        with self._step("recommendations after", total=len(compared)) as step:
            after = comparison.ask(compared, replayed.after, api, model, on_answer=step.advance)
        bought = data.bought(set(compared))
        self.summary.shoppers = tuple(
            comparison.compare(
                user_id,
                before=before[user_id],
                after=after[user_id],
                bought=bought[user_id] | {event.item_id for event in plan.events(user_id)},
            )
            for user_id in compared
        )
        self._check_rankings()
        self._measure_latency(api, plan.users)

    def _prepare(self) -> Journey:
        with self._step("prepare the data") as step:
            data = journey.prepare(DIRECTORY, now_s=int(time.time()), held_back_days=HELD_BACK_DAYS, users=self._users)
            step.note(f"moved by {data.shifted_weeks} weeks, {len(data.held_back):,} purchases held back")
        self.summary.titles = data.titles
        self.summary.data = {
            "name": "The Complete Journey",
            "moved_weeks": data.shifted_weeks,
            "held_back_days": HELD_BACK_DAYS,
            "held_back_events": len(data.held_back),
        }
        self.summary.files |= {name: str(getattr(data, name)) for name in ("interactions", "items", "users")}
        return data

    def _import(self, data: Journey, where: Deployment) -> None:
        now_ms = time.time_ns() // 1_000_000
        with self._timed("import interactions"):
            taken = import_interactions([data.interactions], where, default_event_type=replay.EVENT_TYPE, now_ms=now_ms)
        with self._timed("import items"):
            items = import_items([data.items], where, now_ms=now_ms)
        with self._timed("import users"):
            users = import_users([data.users], where, now_ms=now_ms)
        self.summary.data |= {"interactions": taken.imported, "users": taken.profiles, "items": items.imported}
        refused = taken.rejected + items.rejected + users.rejected
        self._check("every row was imported", passed=not refused, found=f"{refused} rows rejected")

    def _train(self, where: Deployment, api: Api) -> ReferenceModel:
        with self._step("train through Step Functions") as step:
            outcome = training_run.follow(where, training_run.start(where), on_state=step.note)
            reasons = "; ".join(outcome.reasons)
            self.summary.model = {"version": outcome.version, "decision": outcome.decision, "reasons": outcome.reasons}
            passed = outcome.decision == "promoted"
            self._check("the model passed the gate", passed=passed, found=f"{len(outcome.reasons)} conditions")
            if not passed:
                raise DemoFailed(f"the gate rejected model {outcome.version}: {reasons}")
            manifest = model_versions.manifest(where, outcome.version)
            self.summary.candidates = model_versions.candidates(manifest)
            self.summary.left_out = model_versions.left_out(manifest)
            self.summary.candidates_title = model_versions.holdout_title(manifest)
            self.summary.dataset = dataset_quality.of_run(where, outcome.run_id)
            self.summary.model["algorithm"] = manifest.algorithm
            step.note(f"{manifest.algorithm} is champion")
        self.summary.files |= {"model": str(DIRECTORY / "model"), "dataset": str(DIRECTORY / "dataset")}
        with self._step("wait for the API to serve it"):
            _wait_until_served(outcome.version, api)
        with self._step("fit the reference model") as step:
            step.note(f"{manifest.algorithm} again, without ONNX")
            return reference.fit(where, outcome.version, DIRECTORY)

    def _replay(self, plan: Plan, before: dict[str, Profile], where: Deployment, store: ProfileStore) -> _Replayed:
        events = sum(1 for user_id in plan.users for _ in plan.events(user_id))
        with self._step("replay the last days live", total=events) as step:
            replay.send(plan, where, now_ms=time.time_ns() // 1_000_000, on_sent=step.advance)
            step.note(f"{events:,} events of {len(plan.users)} shoppers")
        started = time.monotonic()
        with self._step("wait for the live profiles", total=len(plan.users)) as step:
            after = replay.wait_for(
                replay.expected_profiles(plan, before), store, timeout_s=PROFILE_TIMEOUT_S, on_arrived=step.reach
            )
        seconds = time.monotonic() - started
        calls, records = sum(map(len, plan.calls.values())), sum(map(len, plan.records.values()))
        self.summary.replay = {
            "events": events,
            "shoppers": len(plan.users),
            "http_calls": calls,
            "stream_records": records,
            "seconds_until_in_profiles": round(seconds, 2),
        }
        self._check(
            "every event is in its shopper's profile",
            passed=True,
            found=f"{events} events ({calls} calls, {records} stream records), {seconds:.1f} s after the last was sent",
        )
        return _Replayed(before, after, seconds)

    def _check_rankings(self) -> None:
        shoppers = self.summary.shoppers
        rankings = [ranking for shopper in shoppers for ranking in (shopper.before, shopper.after)]
        moves = [move for shopper in shoppers for move in shopper.moves]
        agreeing = sum(ranking.agrees for ranking in rankings)
        self._check(
            "the API ranks as the reference model",
            passed=bool(rankings) and agreeing == len(rankings),
            found=f"{agreeing} of {len(rankings)} answers of up to {comparison.LIST_LENGTH} items, in the same order",
        )
        moved = sum(move.agrees for move in moves)
        self._check(
            "never-bought items moved as the reference says",
            passed=bool(moves) and moved == len(moves),
            found=f"{moved} of {len(moves)} moves of {len(shoppers)} shoppers",
        )
        self.summary.replay["never_bought_items_moved"] = len(moves)

    def _measure_latency(self, api: Api, user_ids: Sequence[str]) -> None:
        times = []
        with self._step("measure the API", total=LATENCY_REQUESTS) as step:
            for request in range(LATENCY_REQUESTS):
                user_id = user_ids[request % len(user_ids)]
                times.append(api.recommendations(user_id, k=10, metadata=["TITLE"]).duration_ms)
                step.advance()
        cuts = statistics.quantiles(times, n=20, method="inclusive")
        self.summary.latency = Latency(len(times), p50_ms=cuts[9], p95_ms=cuts[18])

    def _check(self, name: str, *, passed: bool, found: str) -> None:
        self.summary.checks.append(Check(name, passed, found))

    @contextlib.contextmanager
    def _step(self, name: str, *, total: float | None = None) -> Iterator[Step]:
        with self._timed(name), console.step(name, total=total) as step:
            yield step

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.summary.steps[name] = time.monotonic() - started


def _wait_until_served(version: str, api: Api) -> None:
    deadline = time.monotonic() + CHAMPION_TIMEOUT_S
    while (answer := api.recommendations("nobody", k=1)).model_version != version:
        if time.monotonic() > deadline:
            raise Unavailable(
                f"after {CHAMPION_TIMEOUT_S:g} s the API still serves {answer.model_version}, expected {version}"
            )
        time.sleep(0.2)
