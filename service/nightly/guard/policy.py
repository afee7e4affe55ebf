"""What may be learned from."""

from typing import Annotated

from pydantic import Field

from inspection.config import Settings

Share = Annotated[float, Field(ge=0, lt=1)]
Cap = Annotated[int, Field(ge=1)]


class GuardPolicy(Settings):
    """Caps, and how far a picture may stand out."""

    lot_cap: Cap = 400
    """Pictures of one lot: no lot may decide alone what is normal."""
    station_cap: Cap = 4000
    tail_share: Share = 0.02
    """The highest scores of each station that stay out: where defects that were passed are most likely."""
    same_frame_ratio: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Two pictures are one frame where they differ less than this part of what two of the station's usually do."""
    outlier_deviations: Annotated[float, Field(gt=0)] = 6.0
    """Robust deviations of brightness, contrast or sharpness beyond which a picture is listed as an outlier."""
    outliers_stay_out: bool = False
    false_alarms_come_in: bool = False
    """Let flagged parts in that a person has called a false alarm, and nobody anything else."""
