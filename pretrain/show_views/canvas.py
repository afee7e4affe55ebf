"""Drawing by the tile: pictures with captions, outlines and numbers on them. Pillow draws; it decodes nothing here."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

TILE_PX = 264
Colour = tuple[int, int, int]
PAPER, INK, FAINT, RULE = (255, 255, 255), (24, 28, 36), (96, 104, 118), (214, 219, 226)
FLAW, KEPT = (222, 38, 52), (120, 126, 140)
VIEW_COLOURS: tuple[Colour, ...] = ((38, 98, 224), (230, 122, 0), (20, 150, 84))
SMALL_COLOUR: Colour = (150, 60, 170)
MATCH_COLOURS: tuple[Colour, ...] = (
    (228, 26, 28),
    (30, 110, 220),
    (30, 150, 60),
    (150, 60, 170),
    (240, 120, 0),
    (0, 150, 160),
    (190, 70, 110),
    (120, 85, 30),
)


@cache
def font(size_px: int) -> FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def blank_tile() -> Image.Image:
    return Image.new("RGB", (TILE_PX, TILE_PX), PAPER)


def as_tile(pixels: np.ndarray) -> Image.Image:
    """uint8 [H, W, 1 or 3] as large as fits a tile, whole and in its own proportions, on paper."""
    height, width = pixels.shape[:2]
    scale = TILE_PX / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    colour = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    shown = cv2.resize(colour, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = blank_tile()
    tile.paste(Image.fromarray(shown), ((TILE_PX - size[0]) // 2, (TILE_PX - size[1]) // 2))
    return tile


def frame(tile: Image.Image, colour: Colour, width: int = 5) -> Image.Image:
    """`tile` with a border of `colour` inside its edge."""
    ImageDraw.Draw(tile).rectangle((0, 0, tile.width - 1, tile.height - 1), outline=colour, width=width)
    return tile


def outline(tile: Image.Image, corners: np.ndarray, colour: Colour, width: int = 3) -> None:
    """A closed line through `corners` [n, 2] in -1..1 of the tile, on a dark edge so that it shows on any picture."""
    points = [tuple(point) for point in to_pixels(corners)]
    for line_width, shade in ((width + 2, INK), (width, colour)):
        ImageDraw.Draw(tile).line([*points, points[0]], fill=shade, width=line_width, joint="curve")


def number(tile: Image.Image, place: tuple[float, float], text: str, colour: Colour) -> None:
    """A small plate with `text` at `place` in pixels, kept within the tile."""
    draw = ImageDraw.Draw(tile)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font(15))
    width, height = int(right - left) + 8, int(bottom - top) + 8
    x = int(min(max(place[0], 2), tile.width - width - 2))
    y = int(min(max(place[1], 2), tile.height - height - 2))
    draw.rectangle((x, y, x + width, y + height), fill=colour, outline=PAPER)
    draw.text((x + 4 - left, y + 4 - top), text, fill=PAPER, font=font(15))


def tint(tile: Image.Image, cells: np.ndarray, colour: Colour, strength: float = 0.5) -> Image.Image:
    """`tile` with `cells`, bool [h, w] over all of it, coloured."""
    mask = Image.fromarray(cells.astype(np.uint8) * round(255 * strength)).resize(tile.size, Image.Resampling.NEAREST)
    return Image.composite(Image.new("RGB", tile.size, colour), tile, mask)


def encircle(tile: Image.Image, marked: np.ndarray, colour: Colour) -> Image.Image:
    """`tile` with a line around the marked pixels, bool [V, V] over all of it."""
    large = cv2.resize(marked.astype(np.uint8), tile.size, interpolation=cv2.INTER_NEAREST)
    # A little outside of what is marked, so that the line does not hide what it points at.
    grown = cv2.dilate(large, np.ones((7, 7), np.uint8))
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = cv2.drawContours(np.array(tile), contours, -1, colour, 2, cv2.LINE_AA)
    return Image.fromarray(drawn)


def to_pixels(points: np.ndarray) -> np.ndarray:
    """Points [n, 2] in -1..1 as pixels of a tile."""
    pixels: np.ndarray = (points + 1) / 2 * (TILE_PX - 1)
    return pixels


def wrap(text: str, size_px: int, width_px: int) -> list[str]:
    """`text` in lines no longer than `width_px`."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(size_px).getlength(longer) <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def write_lines(sheet: Image.Image, x: int, y: int, lines: Sequence[str], size_px: int, colour: Colour = INK) -> int:
    """Write `lines` below each other; returns where the next one would begin."""
    for line in lines:
        ImageDraw.Draw(sheet).text((x, y), line, fill=colour, font=font(size_px))
        y += round(size_px * 1.35)
    return y
