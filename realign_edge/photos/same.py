"""The pixels of a photo that was scanned a while ago, if its file is still the one that was scanned."""

from PIL import Image

from realign_edge.errors import MissingError
from realign_edge.files import sha256_bytes
from realign_edge.photos.decode import MAX_PIXELS, decode
from realign_edge.photos.model import Photo
from realign_edge.photos.regular import Refusal, read_bytes

_HINT = "run the same command again: it takes the photo folder as it is then"


def read_same(photo: Photo) -> Image.Image:
    """(H, W) upright RGB. What is learnt of a photo is kept under the hash of its bytes, so that other bytes under its
    name must not be taken for it.

    Raises:
        MissingError: the file is gone, cannot be read, or holds another photo by now.
    """
    try:
        data = read_bytes(photo.path)
        if sha256_bytes(data) != photo.sha256:
            raise MissingError(f"{photo.path} has changed since it was scanned", _HINT)
        # It was within the limit that its scan had.
        return decode(data, max(MAX_PIXELS, photo.width * photo.height))
    except Refusal as refusal:
        raise MissingError(f"{photo.path} cannot be read any more: {refusal}", _HINT) from refusal
