"""Pictures worth a look: the worst misses, the worst false alarms, and without labels the most suspicious ones."""

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inspection.images.decode import read_image
from inspection.images.folders import LabeledPicture
from inspection.images.truth import read_mask

_SHOWN = 6
_SIDE_PX = 260
_QUALITY = 82
_OUTLINE = (0, 220, 60)


@dataclass(frozen=True)
class Exhibit:
    """A picture beside its heat map, as one image for the page, and what to say below it."""

    data_uri: str
    caption: str


def worst_misses(pictures: list[LabeledPicture], scores: np.ndarray, maps: np.ndarray, limit: float) -> list[Exhibit]:
    """Defective parts with the lowest local scores [N]; those above the pass limit are not misses, and left out."""
    order = np.argsort(scores).tolist()
    missed = [place for place in order if pictures[place].is_defective and scores[place] <= limit]
    return [_exhibit(pictures[place], scores[place], maps[place], limit) for place in missed[:_SHOWN]]


def worst_false_alarms(
    pictures: list[LabeledPicture], scores: np.ndarray, maps: np.ndarray, limit: float
) -> list[Exhibit]:
    """Good parts with the highest local scores [N] above the pass limit."""
    flagged = [
        int(place) for place in np.argsort(-scores) if not pictures[place].is_defective and scores[place] > limit
    ]
    return [_exhibit(pictures[place], scores[place], maps[place], limit) for place in flagged[:_SHOWN]]


def most_suspicious(paths: list[Path], scores: np.ndarray, maps: np.ndarray, limit: float) -> list[Exhibit]:
    """Unlabeled pictures with the highest local scores [N]."""
    pictures = [LabeledPicture(path, "unlabeled") for path in paths]
    return [
        _exhibit(pictures[place], scores[place], maps[place], limit) for place in np.argsort(-scores)[:_SHOWN].tolist()
    ]


def _exhibit(picture: LabeledPicture, score: float, anomaly_map: np.ndarray, limit: float) -> Exhibit:
    image = read_image(picture.path)
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    scale = _SIDE_PX / max(image.shape[:2])
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    shown = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    heated = _heated(shown, anomaly_map, limit)
    if picture.mask is not None:
        outline = cv2.resize(read_mask(picture).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        heated = cv2.drawContours(np.ascontiguousarray(heated), contours, -1, _OUTLINE, 1)
    pair = np.concatenate([shown, np.full((size[1], 4, 3), 127, np.uint8), heated], axis=1)
    data = cv2.imencode(".jpg", cv2.cvtColor(pair, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    told = "not judged" if not np.isfinite(anomaly_map).all() else f"local score {score:.3g}, pass limit {limit:.3g}"
    caption = f"{picture.defect}/{picture.path.name}: {told}"
    return Exhibit("data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode(), caption)


def _heated(image: np.ndarray, anomaly_map: np.ndarray, limit: float) -> np.ndarray:
    """The picture with its heat laid over it: clear up to half the limit, full at twice the limit, as in review."""
    level = np.clip((np.nan_to_num(anomaly_map) / max(limit, 1e-6) - 0.5) / 1.5, 0, 1)
    size = (image.shape[1], image.shape[0])
    full = cv2.resize((level * 255).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    colours = cv2.cvtColor(cv2.applyColorMap(full, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    alpha = (full / 255.0)[:, :, None] * 0.8
    blended: np.ndarray = (image * (1 - alpha) + colours * alpha).round().astype(np.uint8)
    return blended
