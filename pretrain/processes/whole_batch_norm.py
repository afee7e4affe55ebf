"""BatchNorm whose statistics are those of the whole batch, also where several processes share it.

torch's SyncBatchNorm knows CUDA alone; this one is the same on both sides, so that what the tests prove on CPUs is what
runs on GPUs.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pretrain.processes.distributed import all_gather, all_reduce
from pretrain.processes.one_batch import current_share


class WholeBatchNorm(nn.BatchNorm2d):
    """Takes the place, the weights and the statistics of another BatchNorm, [B, C] or [B, C, H, W]."""

    def __init__(self, replaced: _BatchNorm) -> None:
        super().__init__(
            replaced.num_features, replaced.eps, replaced.momentum, replaced.affine, replaced.track_running_stats
        )
        self.weight, self.bias = replaced.weight, replaced.bias
        self.running_mean, self.running_var = replaced.running_mean, replaced.running_var
        self.num_batches_tracked = replaced.num_batches_tracked
        # timm's norms carry the activation that follows them.
        self.drop = getattr(replaced, "drop", nn.Identity())
        self.act = getattr(replaced, "act", nn.Identity())
        self.train(replaced.training)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, rows: Tensor) -> Tensor:
        if self.training and current_share().process_count > 1:
            normalised = self._normalise(rows)
        else:
            if self.training and self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            normalised = F.batch_norm(
                rows, self.running_mean, self.running_var, self.weight, self.bias, self.training,
                self.momentum or 0.0, self.eps,
            )  # fmt: skip
        activated: Tensor = self.act(self.drop(normalised))
        return activated

    def _normalise(self, rows: Tensor) -> Tensor:
        mean, variance = whole_statistics(rows)
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            count = rows.numel() // rows.shape[1] * current_share().process_count
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum or 0.0)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum or 0.0)
        deviation = (variance + self.eps).rsqrt()
        normalised: Tensor = _Normalise.apply(rows, mean, deviation, self.weight, self.bias)
        return normalised


@torch.no_grad()
def whole_statistics(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel, [C] both, over the rows of all processes (as many on each)."""
    variance, mean = torch.var_mean(rows.float(), _all_but_channels(rows), correction=0)
    each = torch.stack(all_gather(torch.stack([mean, variance])))
    means, variances = each[:, 0], each[:, 1]
    whole_mean = means.mean(0)
    return whole_mean, variances.mean(0) + (means - whole_mean).square().mean(0)


def spread_batch_norms(module: nn.Module) -> None:
    """Put a WholeBatchNorm in the place of every BatchNorm below `module`; names in the state dict stay."""
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm):
            setattr(module, name, WholeBatchNorm(child))
        else:
            spread_batch_norms(child)


class _Normalise(torch.autograd.Function):
    """(x - mean) * deviation * weight + bias, where mean and 1 / deviation are those of all x (Ioffe, Szegedy 2015)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, mean: Tensor, deviation: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(rows, mean, deviation, weight)
        # The backward pass may run in a thread of its own, which sees no context variable.
        ctx.process_count = current_share().process_count
        mean, scale, shift = (_by_channel(values, rows) for values in (mean, deviation * weight, bias))
        return ((rows.float() - mean) * scale + shift).to(rows.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, Tensor, Tensor]:
        rows, mean, deviation, weight = ctx.saved_tensors
        gradient = gradient.float()
        standard = (rows.float() - _by_channel(mean, rows)) * _by_channel(deviation, rows)
        dims = _all_but_channels(rows)
        to_bias, to_weight = gradient.sum(dims), (gradient * standard).sum(dims)
        count = rows.numel() // rows.shape[1] * ctx.process_count
        along_mean, along_standard = all_reduce(torch.stack([to_bias, to_weight])) / count
        moved = gradient - _by_channel(along_mean, rows) - standard * _by_channel(along_standard, rows)
        to_rows = (moved * _by_channel(deviation * weight, rows)).to(rows.dtype)
        return to_rows, None, None, to_weight, to_bias


def _all_but_channels(rows: Tensor) -> list[int]:
    return [dim for dim in range(rows.ndim) if dim != 1]


def _by_channel(values: Tensor, rows: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (rows.ndim - 2))
