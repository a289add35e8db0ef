"""What can be wrong with a bundle, every problem by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from realign_edge.errors import RealignError

Kind = Literal["changed", "missing", "extra", "odd", "signature"]
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as the workstation signed it. path: within the bundle; about: what is wrong, if more."""

    kind: Kind
    path: str
    about: str = ""

    def __str__(self) -> str:
        """One line; a name that could confuse a terminal is quoted."""
        name = self.path if self.path.isprintable() and self.path == self.path.strip() else repr(self.path)
        return f"{self.kind}: {name}" + (f" ({self.about})" if self.about else "")


class BundleError(RealignError):
    """A bundle is not what its workstation signed; `problems` has all of them, the message the first few."""

    def __init__(self, message: str, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        shown = [f"\n  {p}" for p in self.problems[:_SHOWN]]
        more = len(self.problems) - _SHOWN
        super().__init__(message + "".join(shown) + (f"\n  and {more} more" if more > 0 else ""), hint)


class UntrustedKeyError(BundleError):
    """The signature is good, but of a key that this machine does not trust."""
