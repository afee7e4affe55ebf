"""Text that comes from outside: names of stations, parts, lots and triggers, and what a person adds."""

from typing import Annotated

from pydantic import StringConstraints

Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""A name."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
"""A sentence or more."""
