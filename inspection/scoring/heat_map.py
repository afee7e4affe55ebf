"""The anomaly map as a picture a person can lay over the part."""

import cv2
import numpy as np


def encode_heat_map(anomaly_map: np.ndarray, threshold: float) -> bytes:
    """float32 [h, w] to a grey PNG of the same size: what is stored for every part, and seldom looked at.

    Half the threshold and below is 0, twice the threshold is 255: a level means the same on every part.
    """
    level = np.clip((anomaly_map / max(threshold, 1e-6) - 0.5) / 1.5, 0, 1)
    return cv2.imencode(".png", (level * 255).astype(np.uint8))[1].tobytes()


def colour_heat_map(encoded: bytes) -> bytes:
    """What `encode_heat_map` gave, as a PNG with colours, four times as large: 0 is clear, 255 full.

    What has its colours already, as older versions stored it, is left as it is, and so is what is no picture.
    """
    levels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    if levels is None or levels.ndim != 2:
        return encoded
    enlarged = cv2.resize(levels, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    colours = cv2.applyColorMap(enlarged, cv2.COLORMAP_INFERNO)
    picture = np.dstack([colours, enlarged])
    return cv2.imencode(".png", picture)[1].tobytes()
