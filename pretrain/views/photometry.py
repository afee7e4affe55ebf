"""Light and colour of a view: jitter, grey and blur, each image with its own draw."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.encoder.luminance import luminance
from pretrain.processes.one_batch import draw_rows
from pretrain.recipe import ViewsRecipe

_BLUR_TAPS = 9
_MAX_BLUR_SIGMA = 2.0
# RGB to YIQ: hue is an angle in its IQ plane.
_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def jitter(pixels: Tensor, recipe: ViewsRecipe, generator: torch.Generator) -> Tensor:
    """Float [B, 3 or 1, V, V] in 0..1 to the same, each image changed at the recipe's rates."""

    def uniform() -> Tensor:
        return draw_rows(len(pixels), lambda count: torch.rand(count, generator=generator))

    def factors(strength: float) -> Tensor:
        chosen = uniform() < recipe.jitter_rate
        drawn = 1 + strength * (2 * uniform() - 1)
        return torch.where(chosen, drawn, 1.0).to(pixels).view(-1, 1, 1, 1)

    pixels = pixels * factors(recipe.brightness)
    mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
    pixels = mean + (pixels - mean) * factors(recipe.contrast)
    if pixels.shape[1] == 3:
        grey = luminance(pixels)
        pixels = grey + (pixels - grey) * factors(recipe.saturation)
        if recipe.hue:
            pixels = turn_hue(pixels, (factors(recipe.hue) - 1).flatten() * 2 * torch.pi)
        greyed = (uniform() < recipe.grey_rate).to(pixels.device)
        pixels = torch.where(greyed.view(-1, 1, 1, 1), luminance(pixels), pixels)
    if recipe.blur_rate:
        sigma = 0.1 + (_MAX_BLUR_SIGMA - 0.1) * uniform()
        # Only the chosen ones: blur is the dearest of all.
        chosen = (uniform() < recipe.blur_rate).nonzero()[:, 0]
        if len(chosen):
            places = chosen.to(pixels.device)
            pixels = pixels.index_copy(0, places, blur(pixels[places], sigma[chosen].to(pixels)))
    return pixels.clamp(0, 1)


def blur(pixels: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of [B, C, H, W], image by image with its own sigma [B] in px."""
    count, channels, height, width = pixels.shape
    offsets = torch.arange(_BLUR_TAPS, device=pixels.device, dtype=pixels.dtype) - _BLUR_TAPS // 2
    kernel = torch.softmax(-(offsets**2) / (2 * sigma.view(-1, 1) ** 2), dim=1).repeat_interleave(channels, 0)
    flat = pixels.reshape(1, count * channels, height, width)
    pad = _BLUR_TAPS // 2
    flat = F.conv2d(F.pad(flat, (pad, pad, 0, 0), mode="reflect"), kernel[:, None, None, :], groups=count * channels)
    flat = F.conv2d(F.pad(flat, (0, 0, pad, pad), mode="reflect"), kernel[:, None, :, None], groups=count * channels)
    return flat.view(count, channels, height, width)


def turn_hue(pixels: Tensor, angle: Tensor) -> Tensor:
    """Turn the colours of [B, 3, V, V] around the grey axis by `angle` [B] in radians; luminance stays."""
    to_yiq = pixels.new_tensor(_TO_YIQ)
    cosine, sine, one, zero = angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)
    turn = torch.stack([one, zero, zero, zero, cosine, -sine, zero, sine, cosine], 1).view(-1, 3, 3)
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    return torch.einsum("bij,bjhw->bihw", matrix, pixels)
