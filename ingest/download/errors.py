"""What can go wrong with a download, worded for the person who has to act on it."""

from __future__ import annotations

import errno

import es_physics.errors

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DownloadError(es_physics.errors.Error):
    """Something could not be downloaded. The message says what, why, and what to do about it."""


class UsageError(DownloadError, es_physics.errors.UsageError):
    """The command cannot be carried out as it was given; nothing was bought."""


class RefusedError(DownloadError):
    """The vendor refuses this account or key (401, 402, 403), so every other request as well."""


class UnprocessableError(DownloadError):
    """The vendor will not answer this request (422 and other 4xx); others may well succeed.

    `unresolved`: because its symbols did not exist then.
    """

    def __init__(self, message: str, *, unresolved: bool = False) -> None:
        super().__init__(message)
        self.unresolved = unresolved


class TransientError(DownloadError):
    """A failure that may pass. `retry_after_s`: how long the vendor asks to wait, if it does."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SlowError(DownloadError):
    """An answer came so slowly that it was given up; what has arrived of it is kept."""


class OversizeError(DownloadError):
    """An answer was larger than what was asked for can be."""


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, is a disk without room.

    The vendor's client hides the operating system's error behind its own, hence the search.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        error = error.__cause__ or error.__context__
    return False
