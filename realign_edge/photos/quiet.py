"""Keep what C libraries print to file descriptor 2 off a technician's screen."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The descriptor belongs to the whole process: two threads at once could leave it pointing nowhere.
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: libtiff prints its errors there before Pillow raises them."""
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # there is no stderr to keep quiet
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
