"""From the scores of tiles to those of the parts they show."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inspection.errors import CalibrationError
from inspection.scoring.session import Scores
from inspection.scoring.tiled import gather_tiles
from pretrain.data.image_set import ImageSet
from pretrain.data.tiled_pictures import layout_of


def scores_of_parts(scores: Scores, images: ImageSet) -> tuple[Scores, Sequence[Path]]:
    """Scores of whole pictures with their paths, from those of `images`, which are pictures or all tiles of some.

    Raises CalibrationError where a picture has changed since it was cut.
    """
    if images.preprocessing is None or images.preprocessing.tiles is None:
        return scores, images.paths
    paths = list(dict.fromkeys(images.paths))
    layouts = []
    for path in paths:
        layout = layout_of(path, images.preprocessing)
        if layout is None or len(layout) != images.paths.count(path):
            raise CalibrationError(
                f"{path}: is not as it was when it was cut in tiles", "start again with the folder at rest"
            )
        layouts.append(layout)
    order = np.concatenate([np.flatnonzero([one == path for one in images.paths]) for path in paths])
    in_order = Scores(scores.anomaly_map[order], scores.local_score[order], scores.global_score[order])
    return gather_tiles(in_order, layouts), paths
