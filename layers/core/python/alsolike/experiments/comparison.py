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

Comparison of two arms' users: a metric of each, the lift between them, and the least detectable lift.

A metric is a ratio of two sums over users, `R = sum y / sum x`: clicks by impressions, or buyers by users if x is 1.
The unit of assignment is the user, not the answer, so users are independent. The variance of R is, by the delta method,
with s the variances and covariance over an arm's n users and m the mean of x::

    V = (s_yy - 2 R s_xy + R^2 s_xx) / (n m^2)

References
----------
A. Deng, U. Knoblich, J. Lu, "Applying the delta method in metric analytics", KDD 2018, equation 4. E. Fieller, "Some
problems in interval estimation", Journal of the Royal Statistical Society B 16, 1954.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
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


MINIMUM_USERS = 100
"""Minimum users per arm for a comparison: with fewer, means are not normal enough."""
MINIMUM_EVENTS = 10
"""Minimum users per arm whose `y` is not 0, for a comparison."""


@dataclasses.dataclass(frozen=True, slots=True)
class ArmSample:
    """An arm's users.

    Attributes
    ----------
    users
        Number of users.
    eventful
        Number of users with a `y` other than 0.
    mean_y, mean_x
        Per user.
    var_y, var_x, cov_xy
        Over users, with n - 1.
    """

    users: int
    eventful: int
    mean_y: float
    mean_x: float
    var_y: float
    var_x: float
    cov_xy: float

    @property
    def ratio(self) -> float | None:
        """The metric; None if its denominator is 0."""
        return self.mean_y / self.mean_x if self.mean_x else None

    @property
    def spread(self) -> float:
        """The variance of the metric times the number of users; 0 without a metric."""
        ratio = self.ratio
        if ratio is None:
            return 0.0
        return max(self.var_y - 2 * ratio * self.cov_xy + ratio * ratio * self.var_x, 0.0) / self.mean_x**2

    @property
    def variance(self) -> float:
        """The variance of the metric."""
        return self.spread / self.users if self.users else 0.0

    @property
    def suffices(self) -> bool:
        """True if there are enough users for an approximately normal mean."""
        return self.users >= MINIMUM_USERS and self.eventful >= MINIMUM_EVENTS


def sample(y: Sequence[float], x: Sequence[float]) -> ArmSample:
    """Return the sample of users with these sums, one element of each a user."""
    n = len(y)
    if n == 0:
        return ArmSample(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    mean_y, mean_x = math.fsum(y) / n, math.fsum(x) / n
    off_y, off_x = [value - mean_y for value in y], [value - mean_x for value in x]
    degrees = max(n - 1, 1)
    return ArmSample(
        users=n,
        eventful=sum(value != 0 for value in y),
        mean_y=mean_y,
        mean_x=mean_x,
        var_y=math.fsum(value * value for value in off_y) / degrees,
        var_x=math.fsum(value * value for value in off_x) / degrees,
        cov_xy=math.fsum(a * b for a, b in zip(off_y, off_x, strict=True)) / degrees,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """An interval of the lift; an end is None if it is unbounded."""

    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Lift:
    """An arm compared with the control.

    Attributes
    ----------
    lift
        The ratio of the arm's metric to the control's, minus 1.
    p_value, interval
        Always valid, for any number of looks. The interval contains 0 exactly if the p-value is above its level.
    fixed_p_value, fixed_interval
        For a single look at a time that was fixed before the start.
    """

    lift: float
    p_value: float
    interval: Interval
    fixed_p_value: float
    fixed_interval: Interval


def compare(
    arm: ArmSample, control: ArmSample, *, observed: float, planned: float, alpha: float = 0.05, comparisons: int = 1
) -> Lift | None:
    """Return the lift of an arm, or None if there is too little data.

    Parameters
    ----------
    observed, planned
        Current answers of both arms, and their planned number; see `sequential`.
    comparisons
        Number of arms compared with the control. P-values are multiplied and levels divided by it (Bonferroni), so
        that the probability of any false finding among them is `alpha`.
    """
    ours, theirs = arm.ratio, control.ratio
    if not (arm.suffices and control.suffices) or not ours or not theirs:
        return None
    variance = arm.variance + control.variance
    if variance <= 0:
        return None
    z = (ours - theirs) / math.sqrt(variance)
    level = alpha / comparisons
    return Lift(
        lift=ours / theirs - 1,
        p_value=min(1.0, comparisons * p_value(z, observed=observed, planned=planned)),
        interval=lift_interval(arm, control, z=critical_z(alpha=level, observed=observed, planned=planned)),
        fixed_p_value=min(1.0, comparisons * fixed_p_value(z)),
        fixed_interval=lift_interval(arm, control, z=fixed_critical_z(level)),
    )


def lift_interval(arm: ArmSample, control: ArmSample, *, z: float) -> Interval:
    """Return the lifts that a test with this critical value does not reject (Fieller).

    They are the values g - 1 with ``(R_arm - g R_control)^2 <= z^2 (V_arm + g^2 V_control)``.
    """
    ours, theirs = arm.ratio, control.ratio
    if ours is None or theirs is None:
        return Interval(None, None)
    a = theirs**2 - z * z * control.variance
    if a <= 0:  # the control's metric might as well be 0
        return Interval(None, None)
    b, c = ours * theirs, ours**2 - z * z * arm.variance
    root = math.sqrt(max(b * b - a * c, 0.0))
    return Interval((b - root) / a - 1, (b + root) / a - 1)


def sample_ratio_p_value(users: Sequence[int], shares: Sequence[float]) -> float:
    """Return how likely numbers of users as far from the shares are, if users were assigned by those (chi-square).

    References
    ----------
    A. Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    total = sum(users)
    if total == 0:
        return 1.0
    whole = math.fsum(shares)
    expected = [total * share / whole for share in shares]
    statistic = math.fsum((count - e) ** 2 / e for count, e in zip(users, expected, strict=True))
    return chi_square_tail(statistic, degrees=len(users) - 1)


def chi_square_tail(statistic: float, *, degrees: int) -> float:
    """Return the chance that a chi-square variable of some whole degrees of freedom is above a value.

    The regularised gamma function Q(degrees / 2, statistic / 2) by its recursion
    ``Q(a + 1, h) = Q(a, h) + h^a e^-h / Gamma(a + 1)`` from ``Q(1/2, h) = erfc(sqrt h)`` or ``Q(1, h) = e^-h``.
    """
    half = statistic / 2
    if half <= 0:
        return 1.0
    a, tail = (0.5, math.erfc(math.sqrt(half))) if degrees % 2 else (1.0, math.exp(-half))
    while a < degrees / 2:
        tail += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
        a += 1
    return min(tail, 1.0)


def detectable_lift(
    baseline: ArmSample,
    *,
    share: float,
    control_share: float,
    users: float,
    alpha: float = 0.05,
    power: float = 0.8,
    comparisons: int = 1,
    looks: bool = True,
) -> float | None:
    """Return the least lift that the test detects with probability `power` once the experiment has all its users.

    It is the least L with ``L R = (z_test + z_power) sqrt((1 + L) S / (share users) + S / (control_share users))``. S
    is the spread of the metric over users before the start; it grows with the metric's mean.

    Parameters
    ----------
    users
        Number of users in all arms.
    looks
        True for the always valid test, which may end earlier; false for a single look at the end.

    Returns
    -------
    float
        None if the baseline has no value or no spread.
    """
    if not baseline.ratio or not baseline.spread or users <= 0:
        return None
    level = alpha / comparisons
    test = critical_z(alpha=level, observed=1, planned=1) if looks else fixed_critical_z(level)
    squared = (test + _NORMAL.inv_cdf(power)) ** 2 * baseline.spread / (users * baseline.ratio**2)
    a, b = squared / share, squared / control_share
    return (a + math.sqrt(a * a + 4 * (a + b))) / 2  # solves L^2 = a (1 + L) + b
