"""The picture: what a recipe asks, image by image, with a legend in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from inspection.errors import StorageError
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from pretrain.data.input_size import fit_input
from pretrain.recipe import Recipe
from pretrain.show_views.canvas import FAINT, PAPER, RULE, TILE_PX, VIEW_COLOURS, wrap, write_lines
from pretrain.show_views.drawn import Drawn, draw, read_sources
from pretrain.show_views.panels import COLUMNS, Panel, panels_of

_MARGIN, _GAP = 32, 20
_WIDTH = 2 * _MARGIN + COLUMNS * TILE_PX + (COLUMNS - 1) * _GAP
_TITLE, _TEXT, _SMALL = 26, 17, 15
_SENTENCE_LINES = 3
_HEAD_PX, _BAND_PX = 500, 900
_MEANINGS = {
    "Views": "random cut-outs of one image, each in another light, show one part. The encoder must tell them from "
    "views of other images.",
    "Small": "a small cut-out must do for knowing the image, too.",
    "Patches": "a part is known by its pieces, too: averages of a view's patches must be found by another view of "
    "the image.",
    "Places": "one place on the part must look alike in two views and unlike all other places: small defects are not "
    "averaged away.",
    "Flaws": "a made-up flaw must look unlike every good place; whatever it did not touch must look as before.",
    "Map": "scored as at the station, by the nearest good places of other images, a made-up flaw must stand out.",
    "Start": "places must stay near what the start weights made of them: training adds, and shall not forget.",
}
_ALWAYS_TOLD = ("Views", "Patches", "Places", "Flaws")


@dataclass(frozen=True)
class ShowOptions:
    """How many images to show, drawn by which seed, under which treatment where not the recipe's."""

    count: int = 3
    seed: int = 0
    illumination: Illumination | None = None


def show_recipe(recipe: Recipe, images: Path, out: Path, options: ShowOptions) -> list[Path]:
    """Write the picture of `recipe` on a few images of a folder; returns which. Raises KensaError."""
    recipe = fit_input(recipe, find_pictures(images))
    if options.illumination is not None:
        settled = recipe.preprocessing.model_copy(update={"illumination": options.illumination})
        recipe = recipe.model_copy(update={"preprocessing": settled, "choose_illumination": False})
    sources = read_sources(find_pictures(images), recipe, options.count, options.seed)
    save(paint(draw(sources, recipe, options.seed), recipe), out)
    return [source.path for source in sources]


def paint(drawn: Sequence[Drawn], recipe: Recipe) -> Image.Image:
    """One band for each image, below a head and above the legend."""
    sheet = Image.new("RGB", (_WIDTH, _HEAD_PX + _BAND_PX * len(drawn)), PAPER)
    y = _write_head(sheet, recipe)
    for one in drawn:
        ImageDraw.Draw(sheet).line((_MARGIN, y, _WIDTH - _MARGIN, y), fill=RULE, width=2)
        y += 16
        for row in panels_of(one, recipe):
            y = _paste_row(sheet, y, row)
    return sheet.crop((0, 0, _WIDTH, y + _MARGIN))


def save(sheet: Image.Image, path: Path) -> None:
    """Write a PNG. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, "PNG")
    except OSError as error:
        raise StorageError(f"{path}: not written ({error.strerror or error})", "choose another --out") from None


def _write_head(sheet: Image.Image, recipe: Recipe) -> int:
    y = write_lines(sheet, _MARGIN, 24, [f"What recipe {recipe.name} asks the encoder to learn"], _TITLE)
    light = recipe.preprocessing.illumination.value.replace("_", " ")
    if recipe.choose_illumination:
        light += "; training chooses it from the images, --illumination shows another"
    y = write_lines(sheet, _MARGIN, y, [f"No labels are used. Light treatment shown: {light}."], _SMALL, FAINT) + 8
    method = recipe.method
    weights = {"Views": method.global_weight, "Small": method.small_weight, "Patches": method.local_weight}
    weights |= {"Places": method.dense_weight, "Flaws": method.flaw_weight}
    weights |= {"Map": method.map_weight, "Start": method.preserve_weight}
    for name, weight in weights.items():
        if not weight and name not in _ALWAYS_TOLD:
            continue
        use = f"weight {weight:g}" if weight else "not used by this recipe"
        lines = wrap(f"{name} ({use}): {_MEANINGS[name]}", _TEXT, _WIDTH - 2 * _MARGIN - 80)
        for index, colour in enumerate(VIEW_COLOURS[: recipe.view_count] if name == "Views" else ()):
            ImageDraw.Draw(sheet).rectangle(
                (_MARGIN + 22 * index, y + 3, _MARGIN + 22 * index + 14, y + 17), fill=colour
            )
        y = write_lines(sheet, _MARGIN + 80, y, lines, _TEXT) + 2
    return y + 14


def _paste_row(sheet: Image.Image, y: int, row: Sequence[Panel]) -> int:
    for column, panel in enumerate(row):
        x = _MARGIN + column * (TILE_PX + _GAP)
        sheet.paste(panel.tile, (x, y))
        below = write_lines(sheet, x, y + TILE_PX + 6, [panel.title], _TEXT)
        write_lines(sheet, x, below, wrap(panel.sentence, _SMALL, TILE_PX), _SMALL, FAINT)
    return y + TILE_PX + 6 + round(_TEXT * 1.35) + _SENTENCE_LINES * round(_SMALL * 1.35) + 10
