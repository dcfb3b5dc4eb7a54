"""Simulated interactions of a shop without drift, or with a different distribution of event types."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from alsolike.declarations.times import DAY_MS

Shares = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weeks:
    """Shop whose users interact within hours, each with individual shares of event types.

    Attributes
    ----------
    interactions
        Mean number of interactions per week.
    per_user
        Mean number of interactions per user.
    types
        Number of event types.
    taste
        Concentration of the users' shares around the shop's shares; None for independent interactions.
    """

    interactions: int
    per_user: float = 1.0
    types: int = 22
    taste: float | None = None

    @property
    def shares(self) -> Shares:
        return np.random.default_rng(1).dirichlet(np.full(self.types, 2.0))

    def drawn(self, draws: np.random.Generator, *, days: int, shares: Shares | None = None) -> pd.DataFrame:
        """Return interactions of `days` days, sorted by time: profile_id, event_time_ms, type."""
        shares = self.shares if shares is None else shares
        users = draws.poisson(self.interactions / self.per_user * days / 7)
        counts = 1 + draws.poisson(self.per_user - 1, users)
        user = np.repeat(np.arange(users), counts)
        time_ms = np.repeat(draws.random(users) * days * DAY_MS, counts) + draws.exponential(DAY_MS / 20, len(user))
        if self.taste is None:
            kind = draws.choice(self.types, len(user), p=shares)
        else:
            tastes = draws.dirichlet(shares * self.taste, users).cumsum(axis=1)
            kind = np.minimum((draws.random(len(user))[:, None] > tastes[user]).sum(axis=1), self.types - 1)
        names = np.array([f"type-{number}" for number in range(self.types)], object)
        frame = pd.DataFrame({"profile_id": user, "event_time_ms": time_ms.astype(np.int64), "type": names[kind]})
        return frame.sort_values("event_time_ms", ignore_index=True)
