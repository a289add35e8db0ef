"""The guard that all other tests rely on: nothing here, and nothing started from here, reaches a network."""

import socket
import subprocess
import sys

import pytest

TRIES = {
    "connect": "socket.create_connection(('127.0.0.1', 9))",
    "connect_ex": "socket.socket().connect_ex(('127.0.0.1', 9))",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))",
    "listen": "socket.socket().bind(('127.0.0.1', 0))",
    "look up": "socket.getaddrinfo('example.org', 80)",
    "library": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
}


@pytest.mark.parametrize("name", TRIES)
def test_this_process_and_its_children_refuse_the_network(name: str) -> None:
    with pytest.raises(BaseException, match="works offline"):
        exec(f"import socket; {TRIES[name]}")
    script = f"import socket\ntry:\n    {TRIES[name]}\nexcept Exception:\n    print('hidden')"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert child.returncode == 1
    assert "works offline" in child.stderr
    assert child.stdout == ""


def test_processes_of_one_machine_still_talk() -> None:
    left, right = socket.socketpair()
    left.sendall(b"x")
    assert right.recv(1) == b"x"
    left.close()
    right.close()
