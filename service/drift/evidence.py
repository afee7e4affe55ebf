"""Evidence that a station's scores have moved, with a false-alarm rate that is promised and not tuned.

Scores are looked at in blocks; a block's median is one value. Parts of one lot share what their lot has, so that values
are compared in two ways: a block with the earlier blocks of its own lot, and the first block of a lot with the first
blocks of earlier lots. A lot that differs as lots of this station do is no drift.

**The two-sample test.** Against n earlier values of mean m, the residual w = (x - m) / sqrt(1 + 1/n) is as spread as a
value itself, and independent of the residuals before it (recursive residuals; Brown, Durbin and Evans 1975). Over the
root mean square of k earlier residuals it follows Student's distribution with k degrees of freedom, so that z, its
normal score, is a new standard normal number each time as long as nothing moves. Blocks of all lots share one spread;
first blocks of lots have one of their own. Needs: values that are about normal, as logarithms of medians are.

**The EWMA** of z says which way scores go and how far. It is also what is bet on: exp(a z - a^2 / 2), with a the EWMA
before this value, is 1 on the average while nothing moves, and grows when z goes on as the EWMA has it. For what comes
at once, half of each bet is laid on a single surprising value, whatever its direction: (1 - p + p ln p) / (p ln^2 p) of
its two-sided p, the mixture of all bets k p^(k-1) (Vovk and Wang 2021).

**The limit.** M grows by the share of a month that has passed, times the rate that was promised, and is then multiplied
by the bet: M = (M + rate * share) * bet. As long as nothing moves, its expectation is the budget spent so far. So by
Doob's inequality the chance that M reaches 1 within a month is at most `rate`, whatever the speed of the line
(Shiryaev-Roberts with e-values: Shin, Ramdas and Rinaldo 2024, "E-detectors"). The alarm is M >= 1.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from scipy.special import ndtri, stdtr

MONTH_S = 30 * 24 * 3600.0
LEAST_RESIDUALS = 4
"""Earlier residuals that a comparison needs."""
EWMA_WEIGHT = 0.2
_LARGEST_BET = 3.0
_LARGEST_Z = 12.0
_LARGEST_EVIDENCE = 1e12
# What stands out so far is not learned from, or a change would soon hide itself. At peace that is one value in 16000.
_LEARNED_Z = 4.0


@dataclass(slots=True)
class Spread:
    """Residuals so far: how many, and the sum of their squares."""

    count: int = 0
    squares: float = 0.0

    def normal_score(self, residual: float) -> float | None:
        """How a new residual stands against these, as a standard normal number; None while they are too few."""
        if self.count < LEAST_RESIDUALS:
            return None
        if self.squares == 0.0:
            return 0.0 if residual == 0.0 else math.copysign(_LARGEST_Z, residual)
        t = residual / math.sqrt(self.squares / self.count)
        # From the lower tail, where floating point has digits to spare.
        z = float(ndtri(stdtr(self.count, -abs(t))))
        return math.copysign(min(-z, _LARGEST_Z), t)

    def add(self, residual: float) -> None:
        """One more."""
        self.count += 1
        self.squares += residual * residual


@dataclass(slots=True)
class Values:
    """Values of one mean, which is learned from them; `spread` is whose residuals they are measured by."""

    count: int = 0
    mean: float = 0.0

    def compare(self, value: float, spread: Spread) -> float | None:
        """The normal score of a new value, which is then one of these; None where there was nothing to compare with."""
        residual = (value - self.mean) / math.sqrt(1 + 1 / self.count) if self.count else None
        z = None if residual is None else spread.normal_score(residual)
        if z is None or abs(z) <= _LEARNED_Z:
            self.count += 1
            self.mean += (value - self.mean) / self.count
            if residual is not None:
                spread.add(residual)
        return z


@dataclass(slots=True)
class Evidence:
    """What stands against `nothing has moved`, for one score of one station."""

    lots: Values = field(default_factory=Values)
    lot_spread: Spread = field(default_factory=Spread)
    blocks: Values = field(default_factory=Values)
    """Of the present lot."""
    block_spread: Spread = field(default_factory=Spread)
    """Of blocks around their lot, of all lots."""
    lot: str | None = None
    ewma: float = 0.0
    level: float = 0.0
    """M: the alarm is at 1."""
    run: float = 0.0
    """Logarithm of the best product of bets that ends now; 0 where it is best to begin anew (CUSUM, Page 1954)."""
    since_id: int | None = None
    """The first part of the block at which that product begins."""

    def add(self, value: float, *, lot: str, first_id: int, budget: float) -> bool:
        """Take one block: its value, its lot, its first part, and rate times share of the month since the last one.

        Returns whether the alarm is reached.
        """
        self.level += budget
        if lot == self.lot:
            z = self.blocks.compare(value, self.block_spread)
        else:
            z = self.lots.compare(value, self.lot_spread)
            self.lot, self.blocks = lot, Values(1, value)
        if z is not None:
            self._bet(z, first_id)
        return self.level >= 1.0

    @property
    def is_learning(self) -> bool:
        """Too little has come to compare anything with."""
        return self.block_spread.count < LEAST_RESIDUALS

    def to_json(self) -> dict[str, Any]:
        """As the database keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """As it was kept."""
        values = {name: Values(**stored[name]) for name in ("lots", "blocks")}
        spreads = {name: Spread(**stored[name]) for name in ("lot_spread", "block_spread")}
        return cls(**{**stored, **values, **spreads})

    def _bet(self, z: float, first_id: int) -> None:
        aim = min(max(self.ewma, -_LARGEST_BET), _LARGEST_BET)
        bet = 0.5 * math.exp(aim * z - aim * aim / 2) + 0.5 * surprise(z)
        self.level = min(self.level * bet, _LARGEST_EVIDENCE)
        if self.run <= 0.0:
            self.run, self.since_id = 0.0, first_id
        self.run += math.log(bet)
        self.ewma += EWMA_WEIGHT * (z - self.ewma)


def surprise(z: float) -> float:
    """What a bet on any surprising value pays: 1 on the average over standard normal z, and much for a large one."""
    p = math.erfc(abs(z) / math.sqrt(2))
    if p >= 1.0 - 1e-6:
        return 0.5
    logarithm = math.log(p)
    return (1 - p + p * logarithm) / (p * logarithm * logarithm)
