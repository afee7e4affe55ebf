"""How a night ends before its last step: the champion is kept, and the reason is told."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from inspection.errors import CalibrationError, DatasetError, KensaError, StorageError
from service.nightly.tables import Reason


class NightEnded(Exception):
    """No failure of the program: what the night was to work with is not there, or not good enough."""

    def __init__(self, reason: Reason, detail: str, figures: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.figures = dict(figures or {})
        """What the step has found all the same."""


@contextmanager
def told_as_ending() -> Iterator[None]:
    """What the world may do to a night becomes its ending; what the program gets wrong passes through."""
    try:
        yield
    except StorageError as error:
        raise NightEnded(Reason.STORE_FAILING, str(error)) from None
    except (DatasetError, CalibrationError) as error:
        raise NightEnded(Reason.NO_NEW_IMAGES, str(error)) from None
    except KensaError as error:
        raise NightEnded(Reason.TRAINER_REFUSED, str(error)) from None
    except OSError as error:
        reason = Reason.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Reason.STORE_FAILING
        raise NightEnded(reason, f"{error.filename or 'a file'}: {error.strerror or error}") from None
