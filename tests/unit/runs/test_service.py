"""What the service manager hears."""

import socket
from pathlib import Path

import pytest

from realign_edge.runs import service
from realign_edge.runs.service import tell_manager
from realign_edge.station.watching.heartbeat import Heartbeat


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A socket in the place of systemd's."""
    gate = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    gate.bind(str(tmp_path / "notify"))
    gate.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return gate


def heard(gate: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(gate.recv(4096).decode())
        except BlockingIOError:
            return found


def test_a_watcher_is_ready_alive_and_stopping(manager: socket.socket, home: Path) -> None:
    heart = Heartbeat(home, home)
    heart.beat("watching", 3)
    first = heard(manager)
    assert first[0] == "WATCHDOG=1" and first[1] == "READY=1\nSTATUS=watching; 0 photos, 3 waiting"
    heart.beat("watching", 3)
    assert heard(manager) == ["WATCHDOG=1"]
    heart.beat("waiting for the folder", 0, "no route\nto host")
    assert "STATUS=waiting for the folder; 0 photos, 0 waiting; no route to host" in heard(manager)
    heart.beat("stopped", 0)
    assert [said for said in heard(manager) if said.startswith("STOPPING=1")]


def test_failure_feeds_no_watchdog(manager: socket.socket, home: Path) -> None:
    Heartbeat(home, home).beat("failed", 0, "disk full")
    assert not [said for said in heard(manager) if "WATCHDOG" in said or "READY" in said]


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not tell_manager(READY=1)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not tell_manager(READY=1)


def test_manager_that_does_not_read_stops_no_work(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of a socket is full after some messages, and sending would wait for ever."""
    monkeypatch.setattr(service, "_PATIENCE_S", 0.01)
    assert not all(tell_manager(WATCHDOG=1) for _ in range(3000))
    assert heard(manager)[0] == "WATCHDOG=1"


def test_whatever_a_file_is_called_the_manager_is_told(manager: socket.socket) -> None:
    assert tell_manager(STATUS="/in/\udcff\nWATCHDOG=1")
    assert heard(manager) == ["STATUS=/in/\\udcff WATCHDOG=1"]
