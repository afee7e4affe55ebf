"""How long pictures are kept, by verdict and by what a person decided."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inspection.config import Settings
from inspection.verdict import Verdict


class Decided(StrEnum):
    """What a person said last of an inspection."""

    NOTHING = "nothing"
    CONFIRMED_DEFECT = "confirmed_defect"
    FALSE_ALARM = "false_alarm"
    UNCLEAR = "unclear"


class Rule(Settings):
    """Whom it is about, None being all, and for how long theirs is kept."""

    verdict: Verdict | None = None
    decided: Decided | None = None
    keep_days: Annotated[int, Field(ge=1, le=36_500)]

    def applies(self, verdict: Verdict, decided: Decided) -> bool:
        """Is this inspection one of those it is about?"""
        return self.verdict in (None, verdict) and self.decided in (None, decided)

    def __str__(self) -> str:
        return f"{self.verdict or 'any verdict'}, decided {self.decided or 'anything'}: {self.keep_days} days"


class RetentionPolicy(Settings):
    """The first rule that applies counts. What no rule is about is kept for ever."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    def find_rule(self, verdict: Verdict, decided: Decided) -> Rule | None:
        return next((rule for rule in self.rules if rule.applies(verdict, decided)), None)

    @property
    def shortest(self) -> timedelta:
        """Nothing younger is ever removed."""
        return timedelta(days=min(rule.keep_days for rule in self.rules))
