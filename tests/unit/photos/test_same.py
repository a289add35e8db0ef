"""Pixels are those of the photo that was scanned, or there are none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from realign_edge.errors import MissingError
from realign_edge.files import sha256_file
from realign_edge.photos.model import Photo
from realign_edge.photos.same import read_same


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    path = tmp_path / "a.png"
    Image.new("RGB", (12, 10), (200, 30, 30)).save(path)
    return Photo(sha256_file(path), path, "a.png", 12, 10, "train")


def test_file_that_was_scanned_is_read(photo: Photo) -> None:
    assert np.asarray(read_same(photo)).shape == (10, 12, 3)


def test_another_photo_under_the_name_is_not_taken_for_it(photo: Photo) -> None:
    Image.new("RGB", (12, 10), (30, 30, 200)).save(photo.path)
    with pytest.raises(MissingError, match="has changed since it was scanned"):
        read_same(photo)


def test_file_that_is_gone_is_no_mistake_of_ours(photo: Photo) -> None:
    photo.path.unlink()
    with pytest.raises(MissingError, match="cannot be read any more") as told:
        read_same(photo)
    assert "same command again" in told.value.hint
