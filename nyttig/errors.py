"""The one family of errors that crosses a room's wall.

A message holds the value that was wrong and the remedy. Doors translate: HTTP to problem+json, the
command line to an exit code, ingest to a quarantine reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nyttig.saying import Saying, Value


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, with its remedy, and the field that it is wrong in where it is one's."""

    field: str | None
    said: str

    def __str__(self) -> str:
        return self.said if self.field is None else f"{self.field}: {self.said}"


class NyttigError(Exception):
    """Something a person can mend; the message says what and how.

    It is made of faults, or of a template, its values and its `field`: the dashboard says these in the reader's language.
    """

    def __init__(self, *faults: str | Fault, field: str | None = None, **values: Value) -> None:
        self.faults = tuple(
            each
            if isinstance(each, Fault)
            else Fault(field, each if isinstance(each, Saying) else Saying(each, **values))
            for each in faults
        )
        super().__init__("; ".join(str(each) for each in self.faults))

    @property
    def said(self) -> str:
        """What is wrong, without the field that it is wrong in."""
        return self.faults[0].said if len(self.faults) == 1 else str(self)


class SettingsError(NyttigError):
    """A setting is missing or malformed."""


class NotFoundError(NyttigError):
    """What was asked for by name does not exist."""


class ClashError(NyttigError):
    """What is asked for contradicts what the registry says; the message names both."""


class EntryError(NyttigError):
    """What somebody entered for a figure cannot be so; the message says what stands there and what to enter."""


class StoreUnavailableError(NyttigError):
    """The database cannot be reached or went away in the middle; trying again may help."""


class UnstorableError(NyttigError):
    """The database refuses a value; trying again will not help."""


class StaleSchemaError(NyttigError):
    """The database's schema is not the one this version of Nyttig was written for."""


class BrokerUnavailableError(NyttigError):
    """The MQTT broker cannot be reached or refused us."""


class DecodeError(NyttigError):
    """A message cannot be read. `reason` is the quarantine reason, the text its detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a trial package: where, what stands there, and what to do about it."""

    file: str
    row: int | None
    column: str | None
    value: str | None
    remedy: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        seen = "" if self.value is None else f": {self.value!r}"
        return f"{place}{seen}: {self.remedy}"


class PackageError(NyttigError):
    """A trial package has problems; nothing of it was loaded."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
