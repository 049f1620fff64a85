"""Transport faults: what goes wrong between a client and a vendor, on demand. Faults of the data belong to `sandbox.world.plant`."""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

FaultKind = Literal["429", "500", "500_after", "delay", "cut_before", "cut_after", "truncated", "expired_token"]


class TransportFault(BaseModel):
    """One order to fail `count` requests whose path matches, after letting the first `after` of them through.

    `path` is a regular expression searched in the path below the vendor's root. `500` and `cut_before` never reach the
    vendor; `500_after`, `cut_after` and `truncated` fail once the vendor has done the work. `seconds` is for `delay`.
    """

    model_config = ConfigDict(extra="forbid")

    vendor: str
    kind: FaultKind
    path: str = ""
    count: int = Field(default=1, ge=1)
    method: str | None = None
    seconds: float = Field(default=1.0, ge=0)
    after: int = Field(default=0, ge=0)

    @field_validator("path")
    @classmethod
    def _is_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value


@dataclass
class _Armed:
    number: int
    fault: TransportFault
    pattern: re.Pattern[str]
    skip: int
    left: int


class TransportFaults:
    """The faults now armed, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._numbers = itertools.count(1)

    def add(self, fault: TransportFault) -> int:
        with self._lock:
            number = next(self._numbers)
            self._armed.append(_Armed(number, fault, re.compile(fault.path), fault.after, fault.count))
            return number

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"id": armed.number, **armed.fault.model_dump(), "left": armed.left} for armed in self._armed]

    def take(self, vendor: str, method: str, path: str) -> TransportFault | None:
        """The fault for this request, if any; counts it as spent."""
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                if fault.vendor != vendor or (fault.method and fault.method.upper() != method) or not armed.pattern.search(path):
                    continue
                if armed.skip:
                    armed.skip -= 1
                    continue
                armed.left -= 1
                if not armed.left:
                    self._armed.remove(armed)
                return fault
        return None
