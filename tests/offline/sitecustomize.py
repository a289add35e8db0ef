"""Python reads this at its start wherever the folder is on PYTHONPATH: no process of the tests reaches a network.

An audit hook sees what is below any library, and cannot be taken away again.
"""

import socket
import sys
from typing import Any

_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class NetworkRefused(BaseException):
    """No Exception: code that tries the network first and falls back must not hide that it tried."""


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise at every way out of the machine, and at every port that would be opened."""
    reaches = event in ("socket.connect", "socket.sendto", "socket.bind") and arguments[0].family in _INTERNET
    if reaches or event in _LOOKUPS:
        raise NetworkRefused(f"{event} {arguments[1:] if reaches else arguments[:2]}: realign-edge works offline")


sys.addaudithook(refuse)
