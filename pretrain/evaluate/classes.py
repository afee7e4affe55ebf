"""How well a frozen encoder tells classes that it was never told: linear probe and nearest neighbours."""

import torch
from torch import Tensor

from inspection.errors import TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import map_in_batches
from pretrain.evaluate.labeled_images import LabeledImages
from pretrain.evaluate.linear_probe import linear_top1
from pretrain.evaluate.nearest_neighbours import knn_top1


def check_classes(encoder: Encoder, images: LabeledImages) -> dict[str, object]:
    """`linear_top1` and `knn_top1` in percent, on the pooled features of `encoder` as it stands."""
    encoder = encoder.eval()
    device = next(encoder.parameters()).device
    train, test = (map_in_batches(encoder.pooled, part.pixels, device).float() for part in (images.train, images.test))
    for features in (train, test):
        if not bool(torch.isfinite(features).all()):
            raise TrainingError("the encoder's features are not finite", "train it again at a lower learning rate")
    linear = linear_top1(train.numpy(), images.train.labels, test.numpy(), images.test.labels)
    return {"linear_top1": linear, "knn_top1": _knn(train, test, images)}


def check_pixels(images: LabeledImages) -> dict[str, object]:
    """`knn_top1` in percent of the bare pixels less their mean over the training part: what no encoder must miss."""
    train, test = (part.pixels.flatten(1).float() for part in (images.train, images.test))
    mean = train.mean(dim=0)
    return {"knn_top1": _knn(train - mean, test - mean, images)}


def _knn(train: Tensor, test: Tensor, images: LabeledImages) -> float:
    return knn_top1(train, torch.from_numpy(images.train.labels), test, torch.from_numpy(images.test.labels))
