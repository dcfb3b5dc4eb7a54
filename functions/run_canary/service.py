"""Start, evaluation and end of a canary, and tasks after its end."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from alsolike.configuration.experiments import Experiment
from alsolike.registry.approvals import APPROVED, Approvals
from alsolike.registry.approvals import REJECTED as PACKAGE_REJECTED
from alsolike.registry.canary import Canary
from alsolike.registry.canary_report import GOING, PROMOTED, ROLLED_BACK, CanaryLook, CanaryReport, CanaryReports
from alsolike.registry.champion_pointer import Champion, EndedCanary
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.decision import REJECTED, Decision
from alsolike.registry.retention import ModelFiles, protected, superfluous
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput
from functions.run_canary.evaluation import Test, Tolerance, conclusion, detectable, judge
from functions.run_canary.forecasts import CandidateForecast, Evidence
from functions.run_canary.responses import Arms, Lake

ATTEMPTS = 5
"""Maximum number of attempts if other callers change the pointer concurrently, for example to pin a version."""


MIN_PLANNED = 1_000
"""Minimum of the planned number of responses, from which the tests compute their critical values."""

SILENT_FROM, SILENT_SHARE = 200, 0.05
"""Minimum number of expected responses, and the share of this number below which the log counts as silent."""


@dataclasses.dataclass(frozen=True, slots=True)
class CanaryPlan:
    share: float
    duration_ms: int
    limits: Tolerance


def _repeated(step: Callable[[CanaryRun], CanaryLook]) -> Callable[[CanaryRun], CanaryLook]:
    """Repeat a step if another caller changes the pointer."""

    @functools.wraps(step)
    def repeat(run: CanaryRun) -> CanaryLook:
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(ConcurrentUpdate):
                return step(run)
        return step(run)

    return repeat


@dataclasses.dataclass(frozen=True, slots=True)
class CanaryRun:
    """Canary of one version in one run of the workflow.

    `decision` returns the gate's decision, or None if the gate did not evaluate the version. `left_out` returns the
    labels of arms whose users are not in the canary.
    """

    version: str
    run_id: str
    reason: str
    registry: Registry
    reports: CanaryReports
    lake: Lake
    decision: Callable[[], Decision | None]
    left_out: Callable[[], Collection[str]]
    forecast: CandidateForecast
    plan: CanaryPlan
    now_ms: int

    @_repeated
    def start(self) -> CanaryLook:
        """Start the version's canary. Without a champion, or if canaries are disabled, promote the version.

        Roll the version back if the gate rejected it and no operator forced it. Unless an operator started the canary,
        also roll it back if the champion has changed since the gate's comparison, or promotions are paused.
        """
        pointer = self.registry.champion()
        decision = self.decision()
        if pointer is not None and pointer.version == self.version:
            return self._decided(pointer, PROMOTED, "it is champion already")
        if decision is not None and decision.verdict == REJECTED and decision.forced is None:
            return self._decided(pointer, ROLLED_BACK, "the gate rejected it, and no operator forced it")
        if (running := self._running(pointer)) is not None:
            return self._note(running, GOING, (f"its canary runs next to {running.champion}",))
        # The workflow repeats a start whose response was lost. An ended canary must not start again.
        if self._report() is not None or self._ended(pointer) is not None:
            return self._ended_elsewhere(pointer)
        if pointer is None:
            return self._promote(None, "there was no champion to compare it with")
        if pointer.held is not None and not self._by_hand:
            return self._decided(pointer, ROLLED_BACK, str(pointer.held))
        # A canary that an operator started compares the version with the current champion.
        compared = decision.champion if decision is not None and not self._by_hand else pointer.version
        if compared != pointer.version:
            reason = (
                f"the champion is now {pointer.version}, but the gate compared the version with {compared or 'none'}"
            )
            return self._decided(pointer, ROLLED_BACK, reason)
        if not self.plan.share:
            return self._promote(pointer, "canary_share_percent is 0: a canary is not needed")
        return self._begin(pointer)

    def _begin(self, pointer: Champion) -> CanaryLook:
        left_out, duration_ms = self.left_out(), self.plan.duration_ms
        expected = self.lake.expected_answers(before_ms=self.now_ms, duration_ms=duration_ms, left_out=left_out)
        clicks = self.lake.clicks(before_ms=self.now_ms, duration_ms=duration_ms, left_out=left_out)
        try:
            canary = Canary(
                self.version, pointer.version, self.plan.share, self.now_ms, self.now_ms + duration_ms,
                max(MIN_PLANNED, expected), self.run_id, expected,
            )  # fmt: skip
        except ValueError as error:
            raise InvalidInput(f"the canary cannot start: {error}") from error
        self.registry.start_canary(pointer, canary)
        reason = (
            f"it serves {canary.share:.0%} of the users next to {canary.champion}; {expected:,} responses are expected"
        )
        return self._note(canary, GOING, (reason, detectable(clicks, share=canary.share, duration_ms=duration_ms)))

    @_repeated
    def look(self) -> CanaryLook:
        """Compare the arms. Roll the version back, promote it, or let the canary continue.

        A concurrent change by an operator takes precedence.
        """
        pointer = self.registry.champion()
        canary = self._running(pointer)
        if pointer is None or canary is None:
            return self._ended_elsewhere(pointer)
        arms = self.lake.arms(canary, now_ms=self.now_ms)
        tests = judge(
            arms.candidate,
            arms.champion,
            share=canary.share,
            planned=canary.planned_answers,
            fraction=arms.fraction,
            limits=self.plan.limits,
        )
        forecast = self.forecast.evidence(canary, now_ms=self.now_ms)
        figures = _figures(arms, tests, forecast)
        breaches = (
            *(f"{test.name}: {test.sentence}" for test in tests if test.breached),
            *([forecast.sentence] if forecast.breached else []),
        )
        counts = (
            f"{arms.candidate.answers:,} answers to {arms.candidate.users:,} users, "
            f"{arms.champion.answers:,} of the champion to {arms.champion.users:,}"
        )
        if breaches:
            # The pointer is written first. If an operator changes it concurrently, that change counts, and no report
            # contradicts it.
            self.registry.end_canary(pointer, reason="; ".join((*breaches, counts)), breached=True)
            return self._note(canary, ROLLED_BACK, (*breaches, counts), figures, breached=True)
        compared = tuple(f"{test.name}: {test.sentence}" for test in tests if test.critical_z is not None)
        sentences = (counts, *compared, forecast.sentence)
        if self.now_ms < canary.ends_ms:
            return self._note(canary, GOING, sentences, figures)
        if _silent(canary, arms):
            return self._give_up(pointer, canary, counts, figures)
        result = conclusion(tests) if compared else _too_few(canary)
        cause = f"; {self.reason}" if self._by_hand and self.reason else ""
        reason = f"run {self.run_id}: {result}{cause}"
        self._replace(pointer, reason=reason)
        return self._note(canary, PROMOTED, (result, *sentences), figures)

    def _give_up(self, pointer: Champion, canary: Canary, counts: str, figures: dict[str, Any]) -> CanaryLook:
        """Extend a canary whose log is silent. If it was extended before, roll it back."""
        silent = f"the log is silent: {canary.expected_answers:,} responses were expected"
        if canary.extended:
            reason = f"{silent}; a version without observed responses does not become champion"
            self.registry.end_canary(pointer, reason=f"{reason}; {counts}")
            return self._note(canary, ROLLED_BACK, (reason, counts), figures)
        ends_ms = self.now_ms + canary.ends_ms - canary.started_ms
        extended = dataclasses.replace(canary, ends_ms=ends_ms, extended=True)
        self.registry.start_canary(pointer, extended)
        return self._note(extended, GOING, (f"{silent}; the canary is extended once", counts), figures)

    @_repeated
    def end(self) -> CanaryLook:
        """End the canary, so that the champion serves all users. The workflow can no longer evaluate the canary."""
        pointer = self.registry.champion()
        canary = self._running(pointer)
        if pointer is None or canary is None:
            return self._ended_elsewhere(pointer)
        reason = "the workflow ended before the canary did"
        self.registry.end_canary(pointer, reason=reason)
        return self._note(canary, ROLLED_BACK, (reason,))

    def _running(self, pointer: Champion | None) -> Canary | None:
        """Return this run's canary, if the pointer contains it."""
        canary = pointer.canary if pointer is not None else None
        return canary if canary is not None and (canary.version, canary.run_id) == (self.version, self.run_id) else None

    @property
    def _by_hand(self) -> bool:
        """True if an operator started the canary. A version trained by a run has the ID of the run."""
        return self.run_id != self.version

    def _report(self) -> CanaryReport | None:
        report = self.reports.read(self.version)
        return report if report is not None and report.run_id == self.run_id else None

    def _new_report(self, champion: str | None, share: float, started_ms: int, ends_ms: int) -> CanaryReport:
        return CanaryReport(self.version, self.run_id, champion, share, started_ms, ends_ms, (), self.reason)

    def _ended(self, pointer: Champion | None) -> EndedCanary | None:
        ended = pointer.ended if pointer is not None else None
        return ended if ended is not None and (ended.version, ended.run_id) == (self.version, self.run_id) else None

    def _ended_elsewhere(self, pointer: Champion | None) -> CanaryLook:
        """Return the result of a canary that an earlier call or an operator has removed from the pointer."""
        if pointer is not None and pointer.version == self.version:
            return self._decided(pointer, PROMOTED, f"it is champion: {pointer.history[0].reason}")
        report = self._report()
        if report is not None and report.state == ROLLED_BACK:
            return report.looks[-1]
        if (ended := self._ended(pointer)) is not None:
            return self._decided(pointer, ROLLED_BACK, ended.reason, breached=ended.breached)
        now = (
            "there is no champion" if pointer is None else f"champion is {pointer.version}: {pointer.history[0].reason}"
        )
        if pointer is not None and pointer.canary is not None:
            now = f"{pointer.canary.version} is the canary in its place"
        return self._decided(pointer, ROLLED_BACK, f"the version was removed from its canary by hand; {now}")

    def _promote(self, pointer: Champion | None, why: str) -> CanaryLook:
        self._replace(pointer, reason=f"run {self.run_id}")
        return self._decided(pointer, PROMOTED, why)

    def _replace(self, pointer: Champion | None, *, reason: str) -> None:
        decision = self.decision()
        forced = decision is not None and decision.verdict == REJECTED
        self.registry.replace(pointer, self.version, reason=reason, now_ms=self.now_ms, forced=forced)

    def _decided(self, pointer: Champion | None, state: str, reason: str, *, breached: bool = False) -> CanaryLook:
        """Record a decision without metrics, in the canary's report or in a new one. Return the recorded look."""
        report = self._report()
        if report is None:
            champion = None if pointer is None or pointer.version == self.version else pointer.version
            report = self._new_report(champion, self.plan.share, self.now_ms, self.now_ms)
        elif report.state == state:  # An earlier call, which this call repeats, has reported the state.
            return report.looks[-1]
        look = CanaryLook(self.now_ms, state, (reason,), breached=breached)
        self.reports.write(report.with_look(look))
        return look

    def _note(
        self,
        canary: Canary,
        state: str,
        reasons: tuple[str, ...],
        figures: dict[str, Any] | None = None,
        *,
        breached: bool = False,
    ) -> CanaryLook:
        report = self.reports.read(self.version)
        if report is None or (report.run_id, report.started_ms) != (canary.run_id, canary.started_ms):
            report = self._new_report(canary.champion, canary.share, canary.started_ms, canary.ends_ms)
        look = CanaryLook(self.now_ms, state, reasons, figures or {}, breached)
        self.reports.write(dataclasses.replace(report.with_look(look), ends_ms=canary.ends_ms))
        return look


def _silent(canary: Canary, arms: Arms) -> bool:
    """Return true if the log contains few of many expected responses."""
    expected = canary.expected_answers or 0
    answers = arms.candidate.answers + arms.champion.answers
    return expected >= SILENT_FROM and answers < SILENT_SHARE * expected * arms.fraction


def _too_few(canary: Canary) -> str:
    reason = "the canary has no evidence: too few responses to compare"
    expected = canary.expected_answers
    return reason if expected is None else f"{reason}; the period before the canary had {expected:,}"


def _figures(arms: Arms, tests: tuple[Test, ...], forecast: Evidence) -> dict[str, Any]:
    return {
        "champion": arms.champion.document(),
        "candidate": arms.candidate.document(),
        "fraction_read": arms.fraction,
        "tests": [test.document() for test in tests],
        "forecast": dataclasses.asdict(forecast),
    }


def approve(approvals: Approvals, registry: Registry, version: str, look: CanaryLook) -> None:
    """Approve the package of a promoted version. Reject the package after a breach.

    Do not change the package after a rollback without a breach, for example by an operator, or if an operator has
    promoted the version since its rollback.
    """
    if look.state == PROMOTED:
        approvals.decide(version, APPROVED, reason="; ".join(look.reasons))
    elif look.state == ROLLED_BACK and look.breached:
        champion = registry.champion()
        if champion is not None and champion.version == version:
            return
        approvals.decide(version, PACKAGE_REJECTED, reason="; ".join(look.reasons))


def retire(
    files: ModelFiles,
    registry: Registry,
    experiments: Callable[[], Iterable[Experiment]],
    *,
    others: int,
    now_ms: int,
) -> Iterator[str]:
    """Delete the files of unprotected versions except the latest ones. Yield each version after its deletion.

    An unreadable pointer or configuration raises an error.
    """
    named = list(experiments())
    keeps = protected(registry.champion(), named, now_ms=now_ms)
    for version in list(superfluous(files.stored(), keeps, others=others, now_ms=now_ms)):
        # Another caller may have promoted or pinned the version.
        if version.version not in protected(registry.champion(), named, now_ms=now_ms):
            files.delete(version.version)
            yield version.version
