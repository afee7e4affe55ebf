"""What became of a piece of work, for threads that must report a failure and go on."""

from types import TracebackType


class Outcome:
    """A block whose failure is kept and not raised, whatever it is: SystemExit too ends only the work at hand."""

    failure: BaseException | None = None

    def __enter__(self) -> "Outcome":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, failure: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self.failure = failure
        return True
