"""The same images through every form of the model: teacher, student in torch, student in ONNX Runtime."""

import numpy as np
import torch
from torch import Tensor, nn

from distill.recipe import BankRecipe
from distill.scoring_graph import ScoringGraph
from distill.tap_weights import weigh_taps
from inspection.calibration.metrics import image_auroc
from inspection.scoring.session import Scores, StudentSession
from pretrain.evaluate.embeddings import taps_in_batches
from pretrain.evaluate.memory_bank import fit_banks, some_images

_BATCH_SIZE = 16


def with_banks(embedder: nn.Module, pixels: Tensor, recipe: BankRecipe, generator: torch.Generator) -> ScoringGraph:
    """`embedder`, which gives the cells of each tap, with memory banks of those of uint8 [N, S, S, 3]."""
    device = next(embedder.parameters()).device
    chosen = some_images(pixels, generator)
    taps = taps_in_batches(embedder.eval(), chosen, device)
    fitted = fit_banks(taps, recipe.size, recipe.neighbours, generator, device, recipe.suspected_share)
    weigh_taps(embedder, fitted.banks, chosen[fitted.apart], generator)
    return ScoringGraph(embedder, fitted.banks).eval()


@torch.inference_mode()
def score_in_torch(graph: ScoringGraph, pixels: Tensor) -> Scores:
    """Scores of uint8 [N, S, S, 3] by torch."""
    device = graph.banks.spreads.device
    batches = [graph(batch.to(device))[:3] for batch in torch.split(pixels, _BATCH_SIZE)]
    return Scores(*(torch.cat(parts).cpu().numpy() for parts in zip(*batches, strict=True)))


def score_in_onnx(session: StudentSession, pixels: Tensor) -> Scores:
    """Scores of uint8 [N, S, S, 3] by ONNX Runtime."""
    batches = [session.score(batch.numpy()) for batch in torch.split(pixels, _BATCH_SIZE)]
    parts = zip(*((scores.anomaly_map, scores.local_score, scores.global_score) for scores in batches), strict=True)
    return Scores(*(np.concatenate(part) for part in parts))


def flaw_auroc(scores: Scores, clean_count: int) -> float | None:
    """AUROC of synthetic flaws by local score: the first `clean_count` images are clean, the others flawed."""
    return image_auroc(scores.local_score, np.arange(len(scores)) >= clean_count)
