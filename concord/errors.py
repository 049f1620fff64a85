"""The errors that a user reads. Each names the place, the field and the mend; the command line prints them without a traceback."""

from __future__ import annotations


class ConcordError(Exception):
    """Something failed that the user can mend. Exit code 1.

    `where`: file, connection or table; `field`: the key, column or setting, if one is to blame; `mend`: what to do.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", field: str = "", mend: str = "") -> None:
        self.what, self.where, self.field, self.mend = what, where, field, mend
        super().__init__(str(self))

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.where, self.field) if part)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text} {self.mend}".strip() if self.mend else text


class UsageError(ConcordError):
    """A wrong file, key or argument: nothing was started. Exit code 2."""

    exit_code = 2


def first_line(error: object) -> str:
    """What a library's error says first; the rest of it is for its makers."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
