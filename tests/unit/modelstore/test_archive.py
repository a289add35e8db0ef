"""Hostile and damaged archives: refused by name, and nothing is written anywhere."""

import contextlib
import gzip
import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from realign_edge.errors import Interrupted, MissingError, RealignError
from realign_edge.modelstore.archive import TarSource
from realign_edge.modelstore.intake import inspect
from realign_edge.modelstore.store import add
from realign_edge.modelstore.verify import verify

Change = Callable[[tarfile.TarInfo], None]


def pack(folder: Path, archive: Path, *odd: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(archive, "w:gz" if archive.suffix == ".gz" else "w", format=form) as tar:
        tar.add(folder, folder.name)
        for member, data in odd:
            tar.addfile(member, io.BytesIO(data))
    return archive


def member(name: str, **about: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = 4
    for key, value in about.items():
        setattr(info, key, value)
    return info, b"evil" if info.isreg() else b""


def snapshot(folder: Path) -> set[str]:
    return {str(p) for p in folder.rglob("*") if p.name != ".lock"}


ODD: list[tuple[tuple[tarfile.TarInfo, bytes], str]] = [
    (member("../evil"), "'../evil' would leave the folder"),
    (member("plant-llava/../../evil"), "would leave the folder"),
    (member("plant-llava\\..\\evil"), "would leave the folder"),
    (member("/etc/evil"), "'/etc/evil' has an absolute name"),
    (member("C:/evil"), "'C:/evil' has an absolute name"),
    (member("plant-llava/a\nb"), "has no proper name"),
    (member("plant-llava/x", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0), "'plant-llava/x' is a link"),
    (member("plant-llava/x", type=tarfile.LNKTYPE, linkname="plant-llava/LICENSE", size=0), "is a link"),
    (member("plant-llava/x", type=tarfile.CHRTYPE, devmajor=1, devminor=5, size=0), "is a device or a pipe"),
    (member("plant-llava/x", type=tarfile.BLKTYPE, size=0), "is a device or a pipe"),
    (member("plant-llava/x", type=tarfile.FIFOTYPE, size=0), "is a device or a pipe"),
    (member("plant-llava/config.json"), "'plant-llava/config.json' stands in it twice"),
    (member("plant-llava/CONFIG.json"), "'plant-llava/CONFIG.json' stands in it twice"),
    (member("./plant-llava/config.json"), "stands in it twice"),
    (member("plant-llava/x", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}), "damaged"),
    (member("plant-llava/x", pax_headers={"size": str(2**60)}), "more than there is room for"),
    (member("plant-llava/x", pax_headers={"size": "-5000"}), "-5,000 bytes"),
]


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
@pytest.mark.parametrize(("odd", "words"), ODD)
def test_an_odd_member_is_refused_by_name_and_nothing_is_written(
    model_folder: Path, home: Path, tmp_path: Path, odd: tuple[tarfile.TarInfo, bytes], words: str, ending: str
) -> None:
    archive = pack(model_folder, tmp_path / f"model{ending}", odd)
    (home / "models").mkdir()
    before = snapshot(tmp_path)
    with pytest.raises(MissingError) as refused:
        add(archive)
    assert words in refused.value.message
    assert refused.value.hint
    assert snapshot(tmp_path) == before


def test_a_member_larger_than_the_disk_is_refused_without_reading_it(home: Path, tmp_path: Path) -> None:
    info = tarfile.TarInfo("plant-llava/model.safetensors")
    info.size = 2**50
    archive = tmp_path / "model.tar"
    archive.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096)
    with pytest.raises(MissingError, match=r"model.safetensors' says it has 1,125,899,906,842,624 bytes"):
        add(archive)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE, tarfile.GNUTYPE_SPARSE])
@pytest.mark.parametrize("size", [2**33, -512])
def test_a_header_that_claims_much_memory_is_not_believed(home: Path, tmp_path: Path, kind: bytes, size: int) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    archive = tmp_path / "model.tar"
    archive.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096)
    with pytest.raises(MissingError, match=r"a header claims|damaged|sparse"):
        add(archive)


def test_a_bomb_of_members_is_refused(home: Path, tmp_path: Path) -> None:
    block = tarfile.TarInfo("d/")
    block.type = tarfile.DIRTYPE
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(gzip.compress(block.tobuf() * 10_001, 1))
    with pytest.raises(MissingError, match="more than 10,000 members"):
        add(archive)


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.8])
def test_an_archive_that_ends_too_early_is_refused(
    model_folder: Path, home: Path, tmp_path: Path, ending: str, share: float
) -> None:
    archive = pack(model_folder, tmp_path / f"model{ending}")
    data = archive.read_bytes()
    used = len(data) if ending == ".tar.gz" else len(data.rstrip(b"\0"))
    archive.write_bytes(data[: int(used * share)])
    with pytest.raises(RealignError) as refused:
        add(archive)
    assert refused.value.hint
    assert snapshot(home) == {str(home / "models")}


def test_a_flipped_bit_in_a_compressed_archive_is_noticed(model_folder: Path, home: Path, tmp_path: Path) -> None:
    archive = pack(model_folder, tmp_path / "model.tar.gz")
    data = bytearray(archive.read_bytes())
    data[-6] ^= 1
    archive.write_bytes(data)
    with pytest.raises(MissingError, match=r"cannot be read: CRC check failed|damaged"):
        add(archive)
    assert snapshot(home) == {str(home / "models")}


def test_what_is_no_archive_is_said_so(home: Path, tmp_path: Path) -> None:
    for name, data in {"a.zip": b"PK\x03\x04", "b.tar": b"", "c.tar": b"x" * 2000}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MissingError) as refused:
            add(tmp_path / name)
        assert str(tmp_path / name) in refused.value.message
    with pytest.raises(MissingError, match="there is no"):
        add(tmp_path / "gone.tar")


def test_an_end_that_is_asked_for_while_the_archive_is_read(model_folder: Path, home: Path, tmp_path: Path) -> None:
    archive = pack(model_folder, tmp_path / "model.tar.gz")
    with pytest.raises(Interrupted, match="before anything was copied"):
        add(archive, stopped=lambda: True)
    assert snapshot(home) == {str(home / "models")}


def test_archives_without_one_model_are_refused(model_folder: Path, home: Path, tmp_path: Path) -> None:
    two = pack(model_folder.parent, tmp_path / "two.tar", member("stick/other/config.json"))
    with pytest.raises(MissingError, match="holds several models: stick/other, stick/plant-llava"):
        add(two)
    (model_folder / "config.json").unlink()
    with pytest.raises(MissingError, match="no config.json"):
        add(pack(model_folder, tmp_path / "none.tar"))


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_good_archive_in_every_form_is_taken_in(
    model_folder: Path, home: Path, tmp_path: Path, ending: str, form: int
) -> None:
    (model_folder / "original").mkdir()
    (model_folder / "original" / "config.json").write_text("{}")
    archive = pack(model_folder, tmp_path / f"from-usb{ending}", member("._plant-llava"), form=form)
    found = add(archive)
    assert (found.new, found.manifest.name) == (True, "plant-llava")
    assert verify(found.folder).sound
    assert (found.folder / "LICENSE").read_bytes() == (model_folder / "LICENSE").read_bytes()
    assert not add(archive).new
    assert not add(model_folder).new


def test_an_archive_of_bare_files_is_called_as_the_archive(model_folder: Path, home: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bare.tar.gz", "w:gz") as tar:
        for path in model_folder.iterdir():
            tar.add(path, f"./{path.name}")
    assert add(tmp_path / "bare.tar.gz").folder == home / "models" / "bare"


def test_headers_that_no_program_writes_never_confuse_us(model_folder: Path, home: Path, tmp_path: Path) -> None:
    """Random bytes in the headers, their checksums put right: taken in or refused, and nothing else."""
    data = pack(model_folder, tmp_path / "good.tar").read_bytes()
    heads = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]
    chance = random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        at = chance.choice(heads)
        for _ in range(2):
            changed[at + chance.choice([156, chance.randrange(124, 136), chance.randrange(512)])] = chance.choice(
                [0, 0x80, 0xFF, *b"xSL17", chance.randrange(256)]
            )
        total = 256 + sum(changed[at : at + 148]) + sum(changed[at + 156 : at + 512])
        changed[at + 148 : at + 156] = b"%06o\0 " % total
        (tmp_path / "odd.tar").write_bytes(changed)
        with contextlib.suppress(RealignError):
            inspect(TarSource(tmp_path / "odd.tar", room=2**30))
