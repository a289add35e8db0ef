"""Several processes on one job: who does what, and how they agree.

A single process is a team of one, and every method is then a no-op, so the work reads the same either
way. Several are started by `accelerate launch -m realign_edge ...` and talk through torch.distributed.
"""

import os
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


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


class Processes:
    """The processes that `accelerate launch` (or torchrun) started."""

    def __init__(self, device: str) -> None:
        """Meet the others, over NCCL between CUDA devices and over gloo between CPUs."""
        from datetime import timedelta

        from accelerate import PartialState

        # The first member may evaluate for a long time while the others wait.
        self._state = PartialState(cpu=device == "cpu", timeout=timedelta(hours=12))
        self.rank: int = self._state.process_index
        self.size: int = self._state.num_processes

    @property
    def first(self) -> bool:
        """Rank 0 writes."""
        return self.rank == 0

    @property
    def device(self) -> str:
        """The device of this member."""
        return str(self._state.device)

    def gather(self, value: T) -> list[T]:
        """All-gather of a picklable value; members trust one another, being started by one launcher."""
        import torch.distributed as dist

        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def share(self, value: T) -> T:
        """Broadcast of a picklable value from the first member."""
        import torch.distributed as dist

        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def add(self, tensors: Sequence[Any]) -> None:
        """One all-reduce over all tensors laid end to end, so that every member gets the same bits."""
        import torch
        import torch.distributed as dist

        flat = torch.cat([t.reshape(-1).float() for t in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """A maximum over the team."""
        return max(self.gather(flag))

    def wait(self) -> None:
        """A barrier."""
        self._state.wait_for_everyone()


def assemble(device: str) -> Team:
    """The team that the environment names: several processes under a launcher, else one."""
    return Processes(device) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Alone()


def mine(team: Team, items: Sequence[T]) -> Sequence[T]:
    """This member's share: every `size`-th item."""
    return items[team.rank :: team.size]


def dealt(parts: Sequence[Sequence[T]]) -> list[T]:
    """Put the members' shares back into one list in the order it was dealt from."""
    total = sum(map(len, parts))
    return [parts[i % len(parts)][i // len(parts)] for i in range(total)]
