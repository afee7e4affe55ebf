"""What has moved, in words, wherever it is told."""

from service.drift.tables import DriftKind
from service.web.languages import mark

KINDS = {
    DriftKind.GLOBAL: mark("Camera, light or pose has moved"),
    DriftKind.LOCAL: mark("Product or process has changed"),
}
SINCE = mark("%(station)s since inspection %(number)s")
