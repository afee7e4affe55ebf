"""What a plant pays, as its people typed it: the same fields wherever figures are turned into money."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Money = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class CostInputs(BaseModel):
    """In the plant's own money. The defaults are only a beginning."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    escape_cost: Money = Field(500.0, description="Of a defective part that goes out.")
    overkill_cost: Money = Field(10.0, description="Of a good part that is rejected.")
    hour_cost: Money = Field(40.0, description="Of an hour of a person who reviews.")
    review_s: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = Field(
        15.0, description="Seconds that a person needs for one part."
    )
