"""Keeping images apart: those that fit something and those that judge it share no lot."""

import torch

from pretrain.image_set import ImageSet

HELD_OUT_SHARE = 0.25
MIN_HELD_OUT = 8


def split_by_lot(images: ImageSet, seed: int) -> tuple[list[int], list[int], str]:
    """(fitted, held out, how): whole lots are held out where there are several, else random images.

    Raises nothing: with few images the held-out part is still at least a quarter.
    """
    generator = torch.Generator().manual_seed(seed)
    lots = sorted(set(images.lots))
    if len(lots) < 2:
        return (*_split_at_random(len(images), generator), "by image; no lots are known")
    wanted = max(round(HELD_OUT_SHARE * len(images)), min(MIN_HELD_OUT, len(images) // 2))
    held_lots: list[str] = []
    held: list[int] = []
    for index in torch.randperm(len(lots), generator=generator).tolist():
        members = [place for place, lot in enumerate(images.lots) if lot == lots[index]]
        if held and len(held) + len(members) > len(images) // 2:
            continue
        held += members
        held_lots.append(lots[index])
        if len(held) >= wanted:
            break
    kept_out = set(held)
    fitted = [place for place in range(len(images)) if place not in kept_out]
    return fitted, sorted(held), f"by lot; held out: {', '.join(held_lots)}"


def _split_at_random(count: int, generator: torch.Generator) -> tuple[list[int], list[int]]:
    order = torch.randperm(count, generator=generator).tolist()
    held = max(round(HELD_OUT_SHARE * count), min(MIN_HELD_OUT, count // 2))
    return sorted(order[held:]), sorted(order[:held])
