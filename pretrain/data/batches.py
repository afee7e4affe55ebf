"""The batches of a run: which images each step sees, and fetching them before the step asks."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from inspection.errors import TrainingError
from pretrain.processes.distributed import Team
from pretrain.processes.one_batch import Share

_AHEAD = 2
_Fetched = tuple[Tensor, torch.cuda.Event | None]


@dataclass(frozen=True)
class TrainingImages:
    """Prepared images, `pixels` uint8 [N, S, S, 3], and the `rows` of them that are trained on."""

    pixels: Tensor
    rows: Tensor


@dataclass(frozen=True)
class BatchOrder:
    """Which of `image_count` images each step sees. An epoch is a shuffle of all, cut in whole batches.

    It follows from seed and step alone: a resumed run sees the same ones, and a batch can be fetched before its step.
    """

    image_count: int
    batch_size: int
    seed: int

    def __call__(self, step: int) -> Tensor:
        """Places of the images of a batch, long [batch_size]."""
        epoch, batch = divmod(step, self.image_count // self.batch_size)
        shuffled = _shuffle(self.image_count, (self.seed * 1_000_003 + epoch) % 2**63)
        return shuffled[batch * self.batch_size : (batch + 1) * self.batch_size]


@lru_cache(maxsize=2)
def _shuffle(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def order_batches(image_count: int, batch_size: int, seed: int, shares: Share) -> BatchOrder:
    """Batches of `batch_size`, or of all images where there are fewer. Raises TrainingError for an uneven division."""
    size = min(batch_size, image_count)
    if size % shares.count or size // shares.part_count < 2:
        many = f"{shares.process_count} processes in {shares.part_count} parts each"
        raise TrainingError(
            f"a batch of {size} images is not to be shared by {many}",
            f"set optimisation.batch_size to a multiple of {shares.count}, at most {image_count}",
        )
    return BatchOrder(image_count, size, seed)


class Batches:
    """A process's share of each batch, uint8 [b, S, S, 3] on `device`, fetched ahead by a thread."""

    def __init__(self, images: TrainingImages, order: BatchOrder, shares: Share, device: torch.device) -> None:
        self.batch_size = order.batch_size
        self._images, self._order, self._shares, self._device = images, order, shares, device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @contextmanager
    def starting_at(self, step: int) -> Iterator[Iterator[Tensor]]:
        """The batches from `step` on, without end."""
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as pool:
            yield self._fetched(pool, step)

    def _fetched(self, pool: ThreadPoolExecutor, step: int) -> Iterator[Tensor]:
        waiting: deque[Future[_Fetched]] = deque(pool.submit(self._fetch, step + ahead) for ahead in range(_AHEAD))
        while True:
            batch, copied = waiting.popleft().result()
            step += 1
            waiting.append(pool.submit(self._fetch, step + _AHEAD - 1))
            if copied is not None:
                current = torch.cuda.current_stream(self._device)
                current.wait_event(copied)
                batch.record_stream(current)
            yield batch

    def _fetch(self, step: int) -> _Fetched:
        """This process's rows of the batch of `step`: those of its first part, then of its second."""
        batch = self._order(step)
        own = batch.view(self._shares.part_count, self._shares.process_count, -1)[:, self._shares.process].flatten()
        rows = self._images.rows[own]
        if self._stream is None:
            # By numpy: torch would give this thread OpenMP helpers too, and with more of those than cores all of them,
            # the step's among them, sleep instead of spinning between two loops (a step took 1.3 times as long).
            return torch.from_numpy(self._images.pixels.numpy()[rows.numpy()]), None
        pinned = torch.empty((len(rows), *self._images.pixels.shape[1:]), dtype=torch.uint8, pin_memory=True)
        torch.index_select(self._images.pixels, 0, rows, out=pinned)
        # A stream of its own: the copy runs beside the step before.
        with torch.cuda.stream(self._stream):
            return pinned.to(self._device, non_blocking=True), self._stream.record_event()


def shares_of(team: Team, part_count: int) -> Share:
    """This process's first share of a batch taken in `part_count` parts."""
    return Share(team.rank, team.count, 0, part_count)
