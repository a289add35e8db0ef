"""What is known about a photo besides its picture."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """taken_at: ISO 8601; "" is unknown."""

    station: str = ""
    operator: str = ""
    lot: str = ""
    serial: str = ""
    taken_at: str = ""
