"""Several processes on one job: who does what, and how they agree.

A single process is a team of one, and every method is then a no-op, so the work reads the same either
way. Several are started by `accelerate launch -m realign_edge ...` and talk through torch.distributed.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from realign_edge import noticeboard
from realign_edge.errors import Interrupted, RealignError

T = TypeVar("T")


class MemberLostError(RealignError):
    """Another process of the team has ended, so this one cannot go on."""


class Team(Protocol):
    """`rank` of `size`; only the `first` member writes files."""

    rank: int
    size: int

    @property
    def first(self) -> bool:
        """Is this the member that writes?"""
        ...

    def gather(self, value: T) -> list[T]:
        """Everybody's value, by rank, at everybody's."""
        ...

    def share(self, value: T) -> T:
        """The first member's value, at everybody's."""
        ...

    def add(self, tensors: Sequence[Any]) -> None:
        """Replace each tensor by its sum over the team, in place; shapes agree."""
        ...

    def any(self, flag: bool) -> bool:
        """Is the flag set at anybody's?"""
        ...

    def wait(self) -> None:
        """Go on when everybody is here."""
        ...

    def part(self) -> None:
        """The common work is over: nothing of the above may be called again."""
        ...


class Alone:
    """A team of one."""

    rank = 0
    size = 1
    first = True

    def gather(self, value: T) -> list[T]:
        """The value itself."""
        return [value]

    def share(self, value: T) -> T:
        """The value itself."""
        return value

    def add(self, tensors: Sequence[Any]) -> None:
        """A sum of one."""

    def any(self, flag: bool) -> bool:
        """The flag itself."""
        return flag

    def wait(self) -> None:
        """Nobody to wait for."""

    def part(self) -> None:
        """Nobody to part from."""


class Processes:
    """The processes that `accelerate launch` (or torchrun) started.

    Gradients are summed over NCCL between CUDA devices. All else goes over gloo, which notices at once when a
    process is gone; every method then raises MemberLostError.
    """

    def __init__(self, device: str) -> None:
        """Meet the others."""
        from datetime import timedelta

        import torch.distributed as dist
        from accelerate import PartialState

        # One member may be slow to load a model or to wait for a pause while the others wait for it.
        patience = timedelta(hours=12)
        with _lost_members():
            self._state = PartialState(cpu=device == "cpu", timeout=patience)
            self._words = dist.new_group(backend="gloo", timeout=patience)
        self.rank: int = self._state.process_index
        self.size: int = self._state.num_processes

    @property
    def first(self) -> bool:
        """Rank 0 writes."""
        return bool(self.rank == 0)

    @property
    def device(self) -> str:
        """The device of this member."""
        return str(self._state.device)

    def gather(self, value: T) -> list[T]:
        """All-gather of a picklable value; members trust one another, being started by one launcher."""
        import torch.distributed as dist

        found: list[Any] = [None] * self.size
        with _lost_members():
            dist.all_gather_object(found, value, group=self._words)
        return found

    def share(self, value: T) -> T:
        """Broadcast of a picklable value from the first member."""
        import torch.distributed as dist

        box = [value if self.first else None]
        with _lost_members():
            dist.broadcast_object_list(box, src=0, group=self._words)
        return box[0]  # type: ignore[return-value]

    def add(self, tensors: Sequence[Any]) -> None:
        """One all-reduce over all tensors laid end to end, so that every member gets the same bits."""
        import torch
        import torch.distributed as dist

        flat = torch.cat([t.reshape(-1).float() for t in tensors])
        with _lost_members():
            dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """A maximum over the team."""
        return max(self.gather(flag))

    def wait(self) -> None:
        """A barrier."""
        import torch.distributed as dist

        with _lost_members():
            dist.barrier(group=self._words)

    def part(self) -> None:
        """Close the connections."""
        self._state.destroy_process_group()


@contextmanager
def _lost_members() -> Iterator[None]:
    """A connection that breaks means that a process has ended; its own words, if it left any, are passed on."""
    try:
        yield
    except RuntimeError as problem:
        words = noticeboard.failure()
        raise MemberLostError(
            words or "a process of this run ended without a word; it may have been killed for lack of memory",
            "" if words else "look at the output of the other machines; the same command goes on from the last step",
        ) from problem


def assemble(device: str) -> Team:
    """The team that the environment names: several processes under a launcher, else one."""
    return Processes(device) if noticeboard.place()[1] > 1 else Alone()


@contextmanager
def own_wish() -> Iterator[None]:
    """A launcher stops everybody when one process fails; then that failure is raised, not the stop.

    Raises:
        MemberLostError: another process failed and said why.
    """
    try:
        yield
    except Interrupted as stop:
        words = noticeboard.failure()
        if words:
            raise MemberLostError(words) from stop
        raise


def assembled() -> bool:
    """Has this process met the others of a team?"""
    torch = sys.modules.get("torch")
    return torch is not None and torch.distributed.is_available() and bool(torch.distributed.is_initialized())


def mine(team: Team, items: Sequence[T]) -> Sequence[T]:
    """This member's share: every `size`-th item."""
    return items[team.rank :: team.size]


def dealt(parts: Sequence[Sequence[T]]) -> list[T]:
    """Put the members' shares back into one list in the order it was dealt from."""
    total = sum(map(len, parts))
    return [parts[i % len(parts)][i // len(parts)] for i in range(total)]
