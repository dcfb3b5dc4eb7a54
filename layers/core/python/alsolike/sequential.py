"""A test that allows any number of looks, and a stop at any of them.

It is the mixture sequential probability ratio test with a normal mixture. `z` is the usual statistic of a difference,
its estimate divided by its standard error, after `n` of the planned `N` observations; `x = r n / N`::

    likelihood ratio  L = (1 + x)^(-1/2) exp(z^2 x / (2 (1 + x)))
    p                   = min(1, 1 / L)
    L >= 1 / alpha     <=>  |z| >= sqrt((1 + 1/x) (ln(1 + x) - 2 ln alpha))

Without a difference, L is a non-negative martingale of mean 1, so it ever reaches 1 / alpha with a probability of at
most alpha (Ville's inequality), at any number of looks. `r` makes the bound approximately least at n = N.

References
----------
H. Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of Mathematical Statistics 41,
1970. R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always valid inference: continuous monitoring of A/B tests",
Operations Research 70, 2022. I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52, 2024: the same
boundary where the variance is estimated, and how `r` is chosen.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_PLANNED_ALPHA = 0.05
_SPREAD = -2 * math.log(_PLANNED_ALPHA) + math.log(-2 * math.log(_PLANNED_ALPHA)) + 1
_NORMAL = NormalDist()


def p_value(z: float, *, observed: float, planned: float) -> float:
    """Return the always valid p-value of a look.

    Parameters
    ----------
    observed, planned
        Observations at this look, above 0, and as many as were planned before the first.

    Examples
    --------
    >>> round(p_value(3.0, observed=10_000, planned=10_000), 3)
    0.055
    """
    x = _SPREAD * observed / planned
    return min(1.0, math.exp(0.5 * math.log1p(x) - z * z * x / (2 * (1 + x))))


def critical_z(*, alpha: float, observed: float, planned: float) -> float:
    """Return the least `z` whose always valid p-value is at most `alpha`.

    Examples
    --------
    >>> round(critical_z(alpha=0.05, observed=10_000, planned=10_000), 3)
    3.035
    """
    x = _SPREAD * observed / planned
    return math.sqrt((1 + 1 / x) * (math.log1p(x) - 2 * math.log(alpha)))


def fixed_p_value(z: float) -> float:
    """Return the p-value of a single look whose time was fixed before, two-sided."""
    return 2 * _NORMAL.cdf(-abs(z))


def fixed_critical_z(alpha: float) -> float:
    """Return the least `z` of a single look whose p-value is `alpha` at most."""
    return -_NORMAL.inv_cdf(alpha / 2)
