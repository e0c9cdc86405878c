"""The one exception that users see: what is wrong, where, and how to fix it."""

from __future__ import annotations


class SmeltError(Exception):
    """A problem with the user's input or surroundings, not a defect in Smelt.

    Faces print `message` and, on a second line, `hint`, and exit with `exit_code`; no stack trace.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.hint}" if self.hint else self.message
