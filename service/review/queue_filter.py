"""Which of the parts that wait a person wants to see, and in which order; the same in every address of the queue."""

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from inspection.verdict import Verdict

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=128, pattern=r"^[^\x00]*$")]


_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


class QueueOrder(StrEnum):
    """Worst: held before failed, then the most suspicious first. Newest: as they came."""

    WORST = "worst"
    NEWEST = "newest"


class QueueFilter(BaseModel):
    """Empty fields ask for nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    line: _Text = ""
    station: _Text = ""
    lot: _Text = ""
    part_number: _Text = Field("", description="What was made, as the line has announced it.")
    search: _Text = Field("", description="A piece of the part's id, the lot's name or the trigger id.")
    verdict: Verdict | None = None
    least_score: float | None = Field(None, ge=0, le=1e9, description="Least part score; 1 is the pass limit.")
    since: AwareDatetime | None = None
    defect: _Text = Field("", description="The name that is suggested for its defect.")
    second_opinion: bool = Field(False, description="Only those that another person has seen already.")
    order: QueueOrder = QueueOrder.WORST

    @property
    def query(self) -> str:
        """As an address has it, with its `?`; empty where nothing is asked for."""
        return f"?{urlencode(self.fields)}" if self.fields else ""

    @property
    def fields(self) -> dict[str, str]:
        """What differs from asking for nothing."""
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return {name: str(value) for name, value in asked.items() if value != ""}

    @property
    def is_narrow(self) -> bool:
        return bool(self.fields.keys() - {"order"})


def read_filter(request: Request) -> QueueFilter:
    """From a page's address: a form sends every field, empty ones ask for nothing. Raises RequestValidationError."""
    given = {name: value for name, value in request.query_params.items() if value.strip()}
    since = given.get("since")
    # An input of type datetime-local knows no zone; the page sends the instant beside it, and without it UTC counts.
    if since is not None and _LOCAL.fullmatch(since):
        given["since"] = f"{since}Z"
    try:
        return QueueFilter.model_validate(given)
    except ValidationError as error:
        faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None
