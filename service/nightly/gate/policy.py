"""What a challenger must prove."""

from typing import Annotated

from pydantic import Field

from inspection.config import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Margin = Annotated[float, Field(gt=0, lt=1)]


class GatePolicy(Settings):
    """Margins and budgets. The defaults suit a golden set of some sixty defective and two hundred good parts."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """How sure a proof must be: of models that are worse by the margin, at most 1 - confidence pass."""
    escape_margin: Margin = 0.05
    """The rise in escape rate that must be excluded: 59 defective parts can exclude 0.05, 299 can exclude 0.01."""
    anchor_margin: Margin = 0.10
    """The rise in escape rate over the anchor's that must be excluded, by however many nights it came."""
    replay_margin: Margin = 0.10
    """Wider, since the champion chose these parts by catching them: another that is as good loses some of them."""
    overkill_budget: Share = 0.02
    """Good parts failed, over good parts."""
    overkill_margin: Margin = 0.02
    flagged_budget: Share = 0.10
    """Good parts failed or held, over good parts: a model that holds everything lets nothing escape."""
    flagged_margin: Margin = 0.05
    patience: Annotated[float, Field(ge=1)] = 2.0
    """Where escapes are proven to fall, it is enough to prove overkill and flagged parts within so many budgets;
    counted overkill stays within the budget itself. 1 asks for the same proof whatever is gained."""
    collapse_share: Annotated[float, Field(gt=0, le=1)] = 0.34
    """A kind of defect has collapsed where more than this share of its parts is lost, and at least two."""
    latency_ratio: Annotated[float, Field(ge=1)] = 1.5
    """How much longer than the champion it may take for an image."""
    latency_budget_ms: Annotated[float, Field(gt=0)] | None = None
    """Below this it is fast enough, whatever the champion takes."""

    @property
    def flagged_capacity(self) -> float:
        """Good parts failed or held, over good parts: the most that people are ever asked to look at."""
        return min(self.patience * self.flagged_budget, 0.99)
