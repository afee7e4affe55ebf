"""Keeping images apart: those that fit something and those that judge it share no lot."""

import torch

from pretrain.data.image_set import ImageSet

HELD_OUT_SHARE = 0.25
MIN_HELD_OUT = 8


def split_by_lot(images: ImageSet, seed: int) -> tuple[list[int], list[int], str]:
    """(fitted, held out, how): whole lots are held out where there are several, else random images.

    At most half of the images is held out. Where no lots give at least MIN_HELD_OUT within that half, images are drawn
    without regard to lots, and `how` says so.
    """
    generator = torch.Generator().manual_seed(seed)
    lots = sorted(set(images.lots))
    if len(lots) < 2:
        return (*_split_at_random(images, generator), "by image; no lots are known")
    least = min(MIN_HELD_OUT, len(images) // 2)
    wanted = max(round(HELD_OUT_SHARE * len(images)), least)
    held_lots: list[str] = []
    held: list[int] = []
    for index in torch.randperm(len(lots), generator=generator).tolist():
        members = [place for place, lot in enumerate(images.lots) if lot == lots[index]]
        if len(held) + len(members) > len(images) // 2:
            continue
        held += members
        held_lots.append(lots[index])
        if len(held) >= wanted:
            break
    if len(held) < least:
        return (*_split_at_random(images, generator), "by image; the lots are too uneven to hold out whole ones")
    kept_out = set(held)
    fitted = [place for place in range(len(images)) if place not in kept_out]
    return fitted, sorted(held), f"by lot; held out: {', '.join(held_lots)}"


def _split_at_random(images: ImageSet, generator: torch.Generator) -> tuple[list[int], list[int]]:
    """By picture: the tiles of one stay together."""
    names = images.paths if len(set(images.paths)) < len(images.paths) else range(len(images))
    pictures = list(dict.fromkeys(names))
    order = torch.randperm(len(pictures), generator=generator).tolist()
    held_count = max(round(HELD_OUT_SHARE * len(pictures)), min(MIN_HELD_OUT, len(pictures) // 2))
    kept_out = {pictures[place] for place in order[:held_count]}
    fitted, held = ([place for place, name in enumerate(names) if (name in kept_out) == out] for out in (False, True))
    return fitted, held
