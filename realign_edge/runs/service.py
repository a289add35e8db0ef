"""What systemd is told of a service (sd_notify(3)): ready, alive, stopping. Without systemd nobody is told anything."""

import os
import socket
from contextlib import suppress

# A manager that has stopped reading must not stop the work.
_PATIENCE_S = 1.0


def tell_manager(**values: object) -> bool:
    """Send `NAME=value` lines, e.g. READY=1, WATCHDOG=1, STATUS="12 photos"; was there somebody to tell?

    A manager that cannot be reached is no failure of the work.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    # An abstract socket is written with @ and begins with a zero byte.
    name = "\0" + address[1:] if address.startswith("@") else address
    lines = (f"{key}={' '.join(str(value).split())}" for key, value in values.items())
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as gate:
        gate.settimeout(_PATIENCE_S)
        gate.sendto("\n".join(lines).encode("utf-8", "backslashreplace"), name)
        return True
    return False
