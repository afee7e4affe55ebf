"""A torch form kept on disk answers as it did, on any number of threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from distill.bench.torch_forms import open_torch, save_torch


class Halved(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float() / 2


@pytest.mark.parametrize("threads", [0, 1])
def test_a_kept_form_answers_as_it_did_also_where_all_cores_are_asked_for(threads: int, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        save_torch(Halved(), tmp_path / "halved.pt2", 8)
        call = open_torch(tmp_path / "halved.pt2", threads)
        images = np.full((3, 8, 8, 3), 7, np.uint8)
        answer = call(images)
        assert isinstance(answer, Tensor)
        assert bool((answer == 3.5).all())
        assert torch.get_num_threads() >= 1
    finally:
        torch.set_num_threads(before)
