"""What a run says of itself while it trains: metrics.jsonl, the same as TensorBoard events, and the bar's note."""

import time
from types import TracebackType

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from pretrain.method import StepLosses
from pretrain.run_directory import RunDirectory
from pretrain.training.schedule import Progress
from pretrain.whole_files import told_of_the_disk

_REPORT_EVERY_STEPS = 10


class Reports:
    """The reports of one start of a run; those of steps after `progress`, which will be done again, are taken back."""

    def __init__(self, run: RunDirectory, progress: Progress, batch_size: int) -> None:
        self._run, self._batch_size = run, batch_size
        self.note = ""
        self._since = Progress(progress.step, progress.elapsed_s)
        run.forget_metrics_after(progress.step)
        with told_of_the_disk(run.events_folder):
            run.events_folder.mkdir(parents=True, exist_ok=True)
            self._events = EventsWriter(str(run.events_folder / "events"), f".{progress.step:08d}")
            # TensorBoard forgets what it has read of this step and later ones.
            started = SessionLog(status=SessionLog.START)
            self._events.write_event(Event(wall_time=time.time(), step=progress.step, session_log=started))

    def __enter__(self) -> "Reports":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with told_of_the_disk(self._run.events_folder):
            self._events.close()

    def step(self, losses: StepLosses, progress: Progress, *, is_last: bool) -> None:
        """After each step: reports the first, every tenth and the last. Raises StorageError."""
        if progress.step != 1 and progress.step % _REPORT_EVERY_STEPS and not is_last:
            return
        figures = {"loss": losses.total.item(), **{name: term.item() for name, term in losses.terms.items()}}
        figures |= {"spread": losses.spread, "images_per_s": round(self._rate(progress), 1)}
        self._run.append_metrics({"step": progress.step, "elapsed_s": round(progress.elapsed_s, 3), **figures})
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in figures.items()])
        with told_of_the_disk(self._run.events_folder):
            self._events.write_event(Event(wall_time=time.time(), step=progress.step, summary=summary))
            self._events.flush()
        self._since = Progress(progress.step, progress.elapsed_s)
        named = "  ".join(f"{name} {figures[name]:.3f}" for name in ("loss", *losses.terms))
        self.note = f"step {progress.step}  {named}  {figures['images_per_s']:.0f} images/s"

    def _rate(self, progress: Progress) -> float:
        """Images a second since the report before."""
        spent = progress.elapsed_s - self._since.elapsed_s
        return self._batch_size * (progress.step - self._since.step) / max(spent, 1e-9)
