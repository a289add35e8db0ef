"""Small copies of inspected photos, for reports and queues: the photos themselves stay where they are, or move."""

import io
from pathlib import Path

from PIL import Image

from realign_edge.files import write_atomic

# Longest edge in pixels, and JPEG quality.
EDGE, QUALITY = 320, 85


def thumbnail_path(home: Path, sha256: str) -> Path:
    """Where the thumbnail of a photo lies, whether it is there or not."""
    return home / "thumbnails" / sha256[:2] / f"{sha256}.jpg"


def keep_thumbnail(home: Path, sha256: str, image: Image.Image) -> Path:
    """Write it, unless it is there; image: upright RGB, as `photos.decode` gives it.

    Raises:
        OSError: it cannot be written.
    """
    path = thumbnail_path(home, sha256)
    if not path.exists():
        small = image.copy()
        small.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS, reducing_gap=3.0)
        data = io.BytesIO()
        small.save(data, "JPEG", quality=QUALITY)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data.getvalue())
    return path
