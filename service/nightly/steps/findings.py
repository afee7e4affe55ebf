"""What steps hand to each other."""

from collections.abc import Mapping
from typing import Any

Figures = dict[str, Any]
"""What one step found, as JSON can hold it: small; what is large lies in the night's folder."""
Findings = Mapping[str, Figures]
"""The figures of the steps so far, by the step's name."""
