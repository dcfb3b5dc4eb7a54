"""Mutation run: a sample of mutants, each tested by its unit tests in a forked process. It changes no files."""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import importlib
import importlib.util
import multiprocessing
import multiprocessing.connection
import os
import random
import resource
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from tests.mutants.edits import Mutant, mutants
from tests.mutants.equivalents import EQUIVALENTS

ROOT = Path(__file__).parents[2]
CORE = "layers/core/python"
THRESHOLD = 0.95
_FORK = multiprocessing.get_context("fork")
_OURS = frozenset({"alsolike", "cli", "conftest", "functions", "local_cloud", "model_export", "operations", "tests"})


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Glob patterns of modules that are mutated together, and of their tests, the fastest first."""

    name: str
    modules: Sequence[str]
    tests: Sequence[str]


TARGETS = (
    Target("gate", ["functions/register_model/*.py"], ["tests/unit/functions/register_model"]),
    Target("canary", ["functions/run_canary/evaluation.py"], ["tests/unit/functions/run_canary/test_evaluation.py"]),
    Target(
        "filters",
        [f"{CORE}/alsolike/filters/*.py", f"{CORE}/alsolike/configuration_document/filters.py"],
        [
            "tests/unit/alsolike/filters",
            "tests/unit/alsolike/configuration_document/test_filters.py",
            "tests/unit/cli/test_filters.py",
        ],
    ),
    Target(
        "slate",
        ["functions/recommend/rules/slate.py"],
        [f"tests/unit/functions/recommend/rules/test_slate{name}.py" for name in ("_rules", "", "_properties")],
    ),
    Target(
        "profiles",
        [f"{CORE}/alsolike/profiles/{name}.py" for name in ("profile", "session_marks", "profile_table")],
        ["tests/unit/alsolike/profiles", "tests/unit/functions/update_profiles"],
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class _MutantFinder:
    """Import hook that loads one module from the code of a mutant."""

    name: str
    path: Path
    code: CodeType

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        loader = SourceFileLoader(name, str(self.path))
        loader.get_code = lambda fullname: self.code  # type: ignore[method-assign]
        return importlib.util.spec_from_loader(name, loader)


def paths(patterns: Sequence[str]) -> list[Path]:
    matched = [(pattern, sorted(ROOT.glob(pattern))) for pattern in patterns]
    if missing := [pattern for pattern, files in matched if not files]:
        raise SystemExit(f"No file matches {missing}. Correct TARGETS in tests/mutants/__main__.py.")
    return [path for _, files in matched for path in files]


def mutants_of(target: Target) -> Iterator[Mutant]:
    return (mutant for path in paths(target.modules) for mutant in mutants(path))


def unknown_equivalents() -> set[tuple[str, str, str, str]]:
    """Return the keys of `EQUIVALENTS` that are keys of no mutant, because the code has changed."""
    return EQUIVALENTS.keys() - {_key(mutant) for target in TARGETS for mutant in mutants_of(target)}


def sample(candidates: dict[str, list[Mutant]], size: int, seed: int) -> list[tuple[str, Mutant]]:
    """Return a sample with about equal numbers of mutants per target, or all mutants for size 0."""
    selected = []
    for index, (name, found) in enumerate(candidates.items()):
        count = len(found) if size == 0 else min(len(found), (size + index) // len(candidates))
        picked = random.Random(f"{seed} {name}").sample(range(len(found)), count)
        selected += [(name, found[number]) for number in sorted(picked)]
    return selected


def _module(path: Path) -> str:
    relative = path.relative_to(ROOT).as_posix().removeprefix(f"{CORE}/").removesuffix(".py").removesuffix("/__init__")
    return relative.replace("/", ".")


def _run_tests(target: Target, folder: Path, mutant: Mutant | None, cpu_s: int, report: Any) -> None:
    """Run tests in this process, and exit with pytest's status. Without a mutant, first report time and libraries."""
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
    if mutant is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
        sys.meta_path.insert(0, _MutantFinder(_module(mutant.path), mutant.path, mutant.compile()))
    import pytest

    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", f"--basetemp={folder}/files", "--hypothesis-seed=0"]
    status = pytest.main([*options, *(str(path) for path in paths(target.tests))])
    if mutant is None:
        third_party = [name for name in sys.modules if name.partition(".")[0] not in _OURS]
        report.send((time.process_time(), third_party))
    sys.stdout.flush()
    os._exit(status)


def _baseline(target: Target, folder: Path) -> float:
    """Return the processor time of a target's tests without a mutant, and import the libraries of the tests."""
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_run_tests, args=(target, folder, None, 0, sender))
    process.start()
    sender.close()
    try:
        cpu_s, libraries = receiver.recv()
    except EOFError:
        cpu_s, libraries = 0.0, []
    except KeyboardInterrupt:
        process.kill()
        raise
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"The tests of {target.name} fail without a mutant:\n{(folder / 'log').read_text()[-2000:]}")
    for name in libraries:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    return float(cpu_s)


def statuses(
    jobs: Sequence[tuple[Target, Mutant, int]], *, workers: int, folder: Path
) -> Iterator[tuple[Mutant, bool]]:
    """Yield each mutant when its tests end, with true if a test failed or the tests exceeded their processor time."""
    waiting = list(enumerate(jobs))[::-1]
    running: dict[Any, tuple[Any, Mutant]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                number, (target, mutant, cpu_s) = waiting.pop()
                own = folder / str(number)
                own.mkdir()
                process = _FORK.Process(target=_run_tests, args=(target, own, mutant, cpu_s, None))
                process.start()
                running[process.sentinel] = process, mutant
            for sentinel in multiprocessing.connection.wait(list(running)):
                process, mutant = running.pop(sentinel)
                process.join()
                yield mutant, process.exitcode != 0
    finally:
        for process, _ in running.values():
            process.kill()
            process.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description="Count the mutants that unit tests kill.")
    parser.add_argument("--sample", type=int, default=90, help="Mutants to run, 0 for all. Default: 90.")
    parser.add_argument("--seed", type=int, default=1, help="Seed of the sample. Default: 1.")
    parser.add_argument("--workers", type=int, default=2, help="Processes at a time. Default: 2.")
    parser.add_argument("--only", choices=[target.name for target in TARGETS], help="Run one target.")
    options = parser.parse_args()
    targets = {target.name: target for target in TARGETS if options.only in {None, target.name}}
    candidates = {
        name: [mutant for mutant in mutants_of(target) if _key(mutant) not in EQUIVALENTS]
        for name, target in targets.items()
    }
    selected = sample(candidates, options.sample, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        limits = {}
        for name, target in targets.items():
            (Path(folder) / name).mkdir()
            limits[name] = int(2 * _baseline(target, Path(folder) / name)) + 10
            print(f"{name}: {len(candidates[name])} mutants without the equivalent ones", flush=True)
        jobs = [(targets[name], mutant, limits[name]) for name, mutant in selected]
        killed = {}
        for mutant, was_killed in statuses(jobs, workers=options.workers, folder=Path(folder)):
            killed[_key(mutant), mutant.number] = was_killed
            if not was_killed:
                print(f"survived: {_place(mutant)}", flush=True)
    return _report(selected, [mutant for _, mutant in selected if not killed[_key(mutant), mutant.number]])


def _key(mutant: Mutant) -> tuple[str, str, str, str]:
    return mutant.path.relative_to(ROOT).as_posix(), mutant.text, mutant.before, mutant.after


def _place(mutant: Mutant) -> str:
    change = f"{textwrap.shorten(mutant.before, 60)} -> {textwrap.shorten(mutant.after, 60)}"
    return f"{mutant.path.relative_to(ROOT)}:{mutant.line}: {change}   ({textwrap.shorten(mutant.text, 80)})"


def _report(chosen: Sequence[tuple[str, Mutant]], survivors: Sequence[Mutant]) -> int:
    sampled = collections.Counter(_module(mutant.path) for _, mutant in chosen)
    survived = collections.Counter(_module(mutant.path) for mutant in survivors)
    print(f"\n{'module':48} mutants killed")
    for module, count in sorted(sampled.items()):
        print(f"{module:48} {count:7} {count - survived[module]:6}")
    share = 1 - len(survivors) / len(chosen)
    print(
        f"{'all':48} {len(chosen):7} {len(chosen) - len(survivors):6}   {share:.1%}, expected at least {THRESHOLD:.0%}"
    )
    for mutant in survivors:
        print(f"survived: {_place(mutant)}")
    return int(share < THRESHOLD)


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # Threads of the library would not survive the fork.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
