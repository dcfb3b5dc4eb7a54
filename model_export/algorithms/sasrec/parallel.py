"""Networks of SASRec that are trained in parallel, one per processor.

This process trains some of them and starts others for the rest, see `model_export.processes.side_process`. All have the
same data, seeds and libraries, so the result equals that of one process bit by bit.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model_export.data.interactions import Floats, Interactions
from model_export.processes import checkpoints, peers, side_process

if TYPE_CHECKING:
    from model_export.algorithms.sasrec.model import Sasrec

Networks = list[Mapping[str, Floats]]

LONG = 1_000_000
"""So many interactions times epochs are worth a process: some ten seconds' work, where a start takes three."""

MOST = 5_000_000
"""Most interactions; with more, each process would take more than a gigabyte, which no budget counts."""


def processes(networks: int) -> int:
    """Return how many processes so many networks are trained in, where that is worth it; those of a batch share it."""
    return max(1, min(networks, side_process.processors())) if peers.current().size == 1 else 1


def trained(settings: Sequence[Sasrec], interactions: Interactions) -> Networks:
    """Return the network of each of some settings.

    Raises
    ------
    RuntimeError
        If another process ended before it was done.
    """
    count = processes(len(settings))
    if len(interactions) > MOST or len(interactions) * sum(each.epochs for each in settings[1:]) < LONG:
        count = 1
    shares = [settings[number::count] for number in range(count)]
    with contextlib.ExitStack() as stack:
        others = [
            stack.enter_context(
                side_process.running(
                    [functools.partial(_trained_elsewhere, share, interactions, checkpoints.directory())]
                )
            )
            for share in shares[1:]
        ]
        found = [_trained_here(shares[0], interactions), *(result() for (result,) in others)]
    return [found[number % count][number // count] for number in range(len(settings))]


def _trained_here(settings: Sequence[Sasrec], interactions: Interactions) -> Networks:
    return [network for each in settings for network in each.fit(interactions).networks]


def _trained_elsewhere(settings: Sequence[Sasrec], interactions: Interactions, directory: Path | None) -> Networks:
    with checkpoints.kept_in(directory):
        return _trained_here(settings, interactions)
