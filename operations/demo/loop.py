"""The demo's loop on a deployment: import events, train a model, recommend, replay live events, compare."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.versions import candidates
from operations import progress
from operations.client.api import Api
from operations.client.background import Background
from operations.client.deployment import Deployment
from operations.demo import comparison, complete_journey, reference, replay
from operations.demo.comparison import Answer
from operations.demo.complete_journey import Journey
from operations.demo.reference import ReferenceModel
from operations.demo.replay import ReplayPlan
from operations.demo.results import DemoCheck, DemoFailed, DemoSummary, FirstRecommendation, Latency
from operations.ingest.load_interactions import import_interactions
from operations.ingest.load_metadata import import_items, import_users
from operations.models import dataset_quality, training_run
from operations.models import versions as model_versions

HELD_BACK_DAYS = 3
MAX_CALLS = 120
MAX_RECORDS = 400
MAX_COMPARED = 25
COMPARED_RECORDS = 5
FIRST_ITEMS = 5
LATENCY_REQUESTS = 100
PROFILE_TIMEOUT_S = 90.0


def prepare(summary: DemoSummary, directory: Path, *, users: int | None) -> Journey:
    with progress.step("prepare the data") as step:
        data = complete_journey.prepare(directory, now_s=int(time.time()), held_back_days=HELD_BACK_DAYS, users=users)
        step.note(f"all dates shifted to end today, the last {len(data.held_back):,} purchases kept for the replay")
    summary.titles = data.titles
    summary.data = {
        "name": "The Complete Journey",
        "moved_weeks": data.shifted_weeks,
        "held_back_days": HELD_BACK_DAYS,
        "held_back_events": len(data.held_back),
    }
    summary.files |= {name: str(getattr(data, name)) for name in ("interactions", "items", "users")}
    return data


class Loop:
    def __init__(self, deployment: Deployment, summary: DemoSummary, *, directory: Path, started_s: float) -> None:
        self._deployment = deployment
        self._summary = summary
        self._directory = directory
        self._started_s = started_s
        self._api = Api(deployment)
        self._profiles = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)

    def run(self, data: Journey, *, on_first: Callable[[], None]) -> None:
        """Run every step. Call `on_first` when the summary contains the first recommendation."""
        self._import(data)
        version = self._train()
        plan = replay.plan(data.held_back, max_calls=MAX_CALLS, max_records=MAX_RECORDS)
        self._wait_until_served(version, user_id=plan.users[0])
        on_first()
        self._measure_latency(plan.users)
        # The replay leaves a processor idle, so the reference model is fitted concurrently.
        model = Background(lambda: self._fit_reference(version, data.items))
        compared = [*list(plan.calls)[: MAX_COMPARED - COMPARED_RECORDS], *list(plan.records)[:COMPARED_RECORDS]]
        before, after = self._replay(plan, compared)
        self._compare(plan, before, after, data.bought(set(compared)), model.result())

    def _import(self, data: Journey) -> None:
        now_ms = time.time_ns() // 1_000_000
        items = Background(lambda: import_items([data.items], self._deployment, now_ms=now_ms))
        interactions = import_interactions(
            [data.interactions], self._deployment, default_event_type=replay.EVENT_TYPE, now_ms=now_ms
        )
        users = import_users([data.users], self._deployment, now_ms=now_ms)
        imports = (interactions, items.result(), users)
        self._summary.data |= {
            "interactions": interactions.imported,
            "users": interactions.profiles,
            "items": items.result().imported,
        }
        rejected = sum(summary.rejected for summary in imports)
        self._check(
            "every row is imported",
            passed=not rejected,
            expected="0 rejected rows",
            actual=f"{sum(summary.imported for summary in imports):,} rows imported, {rejected:,} rejected",
        )

    def _train(self) -> str:
        summary = self._summary
        with progress.step("train the model") as step:
            outcome = training_run.follow(self._deployment, training_run.start(self._deployment), on_state=step.note)
            summary.model = {"version": outcome.version, "decision": outcome.decision, "reasons": outcome.reasons}
            passed, reasons = outcome.decision == "promoted", "; ".join(outcome.reasons)
            self._check(
                "the gate promotes the model",
                passed=passed,
                expected="promoted",
                actual=f"the model meets {len(outcome.reasons)} conditions of the gate and is champion"
                if passed
                else reasons,
            )
            if not passed:
                raise DemoFailed(
                    f"model {outcome.version} was {outcome.decision.replace('_', ' ')}, expected promoted: {reasons}. "
                    f"Run `alsolike demo --verbose` again, or loosen the gate's conditions in cdk.json"
                )
            manifest = model_versions.manifest(self._deployment, outcome.version)
            summary.candidates = candidates(manifest)
            summary.left_out = model_versions.left_out(manifest)
            summary.candidates_title = model_versions.holdout_title(manifest)
            summary.dataset = dataset_quality.read_manifest(self._deployment, outcome.run_id)
            summary.model["algorithm"] = manifest.algorithm
            step.note(f"the winner is {manifest.algorithm}")
        summary.files |= {"model": str(self._directory / "model"), "dataset": str(self._directory / "dataset")}
        return outcome.version

    def _wait_until_served(self, version: str, *, user_id: str) -> None:
        with progress.step("recommend to a shopper") as step:
            answer = self._api.wait_for_model(version, user_id, k=FIRST_ITEMS)
            step.note(f"shopper {user_id}, model {version}")
        after_s = time.monotonic() - self._started_s
        self._summary.first = FirstRecommendation(user_id, tuple(item.item_id for item in answer.items), after_s)

    def _measure_latency(self, user_ids: Sequence[str]) -> None:
        times = []
        with progress.step("measure the latency", total=LATENCY_REQUESTS) as step:
            for request in range(LATENCY_REQUESTS):
                user_id = user_ids[request % len(user_ids)]
                times.append(self._api.recommendations(user_id, k=10, metadata=["TITLE"]).duration_ms)
                step.advance()
        cuts = statistics.quantiles(times, n=20, method="inclusive")
        self._summary.latency = Latency(len(times), p50_ms=cuts[9], p95_ms=cuts[18])

    def _fit_reference(self, version: str, items: Path) -> ReferenceModel:
        with progress.step("fit the reference model") as step:
            step.note("the winner, fitted again without ONNX")
            return reference.fit(self._deployment, version, self._directory, items=items)

    def _replay(self, plan: ReplayPlan, compared: Sequence[str]) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """Replay the events. Return the responses to the users `compared` before and after the replay, by user ID."""
        events = sum(1 for user_id in plan.users for _ in plan.events(user_id))
        with progress.step(f"replay the last {HELD_BACK_DAYS} days", total=events + 2 * len(compared)) as step:
            profiles = replay.read_profiles(plan.users, self._profiles)
            before = comparison.fetch_answers(compared, profiles, self._api, on_answer=step.advance)
            replay.send(plan, self._deployment, now_ms=time.time_ns() // 1_000_000, on_sent=step.advance)
            sent_s = time.monotonic()
            expected = replay.expected_profiles(plan, profiles)
            updated = replay.wait_for(expected, self._profiles, timeout_s=PROFILE_TIMEOUT_S)
            seconds = time.monotonic() - sent_s
            after = comparison.fetch_answers(compared, updated, self._api, on_answer=step.advance)
            step.note(f"{events:,} events of {len(plan.users)} shoppers")
        self._summary.replay = {
            "events": events,
            "shoppers": len(plan.users),
            "http_calls": sum(map(len, plan.calls.values())),
            "stream_records": sum(map(len, plan.records.values())),
            "seconds_until_in_profiles": round(seconds, 2),
        }
        self._check(
            "every live event updates its shopper's profile",
            passed=True,
            expected=f"{events:,} events",
            actual=f"{events:,} live events are in their shoppers' profiles, {seconds:.1f} s after the last was sent",
        )
        return before, after

    def _compare(
        self,
        plan: ReplayPlan,
        before: dict[str, Answer],
        after: dict[str, Answer],
        bought: dict[str, set[str]],
        model: ReferenceModel,
    ) -> None:
        with progress.step("compare with the reference", total=len(before)) as step:
            shoppers = []
            for user_id in before:
                if all(model.can_rank(answers[user_id].item_ids) for answers in (before, after)):
                    shoppers.append(
                        comparison.compare(
                            user_id,
                            before=comparison.rank(before[user_id], model),
                            after=comparison.rank(after[user_id], model),
                            bought=bought[user_id] | {event.item_id for event in plan.events(user_id)},
                        )
                    )
                step.advance()
        left_out = len(before) - len(shoppers)
        self._summary.replay["shoppers_not_compared"] = left_out
        self._summary.shoppers = tuple(shoppers)
        rankings = [ranking for shopper in shoppers for ranking in (shopper.before, shopper.after)]
        moves = [move for shopper in shoppers for move in shopper.moves]
        agreeing = sum(ranking.agrees for ranking in rankings)
        self._check(
            "the API ranks as the reference model does",
            passed=bool(rankings) and agreeing == len(rankings),
            expected=f"all {len(rankings)} answers in the same order",
            actual=f"{agreeing} of {len(rankings)} answers rank as the reference model does"
            + (f"; shoppers not compared because of reranked cold items: {left_out}" if left_out else ""),
        )
        moved = sum(move.agrees for move in moves)
        self._check(
            "never-bought items move as in the reference model",
            passed=moved == len(moves),  # passed without moves too, because a model of repeat purchases makes none
            expected=f"all {len(moves):,} moves between the same ranks",
            actual=f"{moved:,} of {len(moves):,} never-bought items moved as the reference model says",
        )
        self._summary.replay["never_bought_items_moved"] = len(moves)

    def _check(self, name: str, *, passed: bool, expected: str, actual: str) -> None:
        self._summary.checks.append(DemoCheck(name, passed, expected, actual))
