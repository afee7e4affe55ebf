"""The anomaly map as a picture a person can lay over the part."""

import cv2
import numpy as np


def render_heat_map(anomaly_map: np.ndarray, threshold: float) -> bytes:
    """float32 [h, w] to a PNG with transparency.

    Half the threshold and below is clear, twice the threshold is full: a colour means the same on every part.
    """
    level = np.clip((anomaly_map / max(threshold, 1e-6) - 0.5) / 1.5, 0, 1)
    enlarged = cv2.resize((level * 255).astype(np.uint8), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    colours = cv2.applyColorMap(enlarged, cv2.COLORMAP_INFERNO)
    picture = np.dstack([colours, enlarged])
    return cv2.imencode(".png", picture)[1].tobytes()
