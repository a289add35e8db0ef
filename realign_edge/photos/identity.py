"""Is a file still the photo that it was?"""

from pathlib import Path

from realign_edge.files import sha256_file


def was_replaced(path: Path, sha256: str) -> bool:
    """Another file lies there now. One that is gone, or that cannot be read, is not another one."""
    try:
        return sha256_file(path) != sha256
    except OSError:
        return False
