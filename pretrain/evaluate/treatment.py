"""Between images in memory and the core's treatment of single images."""

import numpy as np
import torch
from torch import Tensor

from inspection.images.illumination import Illumination, treat


def treat_all(pixels: Tensor, illumination: Illumination) -> Tensor:
    """Treat every image of uint8 [N, S, S, 3]."""
    return torch.from_numpy(np.stack([treat(image, illumination) for image in pixels.numpy()]))


def to_bytes(images: Tensor) -> Tensor:
    """Float [B, 3, S, S] in 0..1 to uint8 [B, S, S, 3]."""
    return (images.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous()
