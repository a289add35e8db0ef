"""Where a bundle is installed from: a folder, also on a stick, or an archive. Both say what they hold before a copy."""

import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from realign_edge.bundle.contract import MANIFEST, SIGNATURE
from realign_edge.bundle.errors import BundleError, Problem
from realign_edge.bundle.inventory import Entry, compare, read_plain, walk
from realign_edge.bundle.manifest import AGAIN, MANIFEST_MOST, BundleFile, BundleManifest
from realign_edge.bundle.signature import SIGNATURE_MOST
from realign_edge.bundle.verify import Head, read_head
from realign_edge.carry.guarded import Archive, opened
from realign_edge.carry.members import chunks, is_archive, judge, plain
from realign_edge.carry.reading import reading
from realign_edge.carry.sizes import MIB
from realign_edge.carry.staging import never
from realign_edge.errors import Interrupted, MissingError
from realign_edge.progress import Progress, Silent

_MEMBERS_MOST = 300_000
_LIMITS = {MANIFEST: MANIFEST_MOST, SIGNATURE: SIGNATURE_MOST}


class BundleSource(Protocol):
    """A bundle that is not installed yet."""

    @property
    def where(self) -> Path:
        """What a person named."""

    @property
    def head(self) -> Head:
        """Manifest and signature, unparsed."""

    def problems(self, manifest: BundleManifest) -> list[Problem]:
        """What is missing, extra, odd or of another size."""

    def stream(self, manifest: BundleManifest) -> Iterator[tuple[BundleFile, Iterator[bytes]]]:
        """Each file with its bytes, to be read in the order given out."""


class FolderSource:
    """A folder, also on a read-only stick."""

    def __init__(self, folder: Path) -> None:
        self.where, self.head = folder, read_head(folder)

    def problems(self, manifest: BundleManifest) -> list[Problem]:
        """What is missing, extra, odd or of another size."""
        with reading(self.where):
            return compare(list(walk(self.where)), manifest.files)

    def stream(self, manifest: BundleManifest) -> Iterator[tuple[BundleFile, Iterator[bytes]]]:
        """In the order of the manifest."""
        for file in manifest.files:
            with reading(self.where / file.path):
                yield file, read_plain(self.where / file.path)


class TarSource:
    """A `.tar` or `.tar.gz` with one bundle, at its top or in one folder. room: bytes that a member may have.

    Raises:
        MissingError: a member is odd, or the archive is damaged.
        BundleError: it holds no bundle.
    """

    def __init__(self, path: Path, room: int, seen: Callable[[int], None] = lambda _: None) -> None:
        self.where = path
        sizes: dict[str, int] = {}
        heads: dict[str, bytes] = {}

        def take(tar: Archive, name: str, member: tarfile.TarInfo) -> None:
            sizes[name] = member.size
            inner = PurePosixPath(name)
            # At the top or one folder down; deeper ones are somebody else's.
            if inner.name in _LIMITS and len(inner.parts) <= 2 and member.size <= _LIMITS[inner.name]:
                heads[name] = tar.file(member).read(member.size)

        judge(path, room, _MEMBERS_MOST, "bundle", take, seen)
        self._root = _root(path, heads)
        self._sizes = {self._inner(name): size for name, size in sizes.items()}
        signature = heads.get(str(self._root / SIGNATURE))
        if signature is None:
            raise BundleError(f"{path} is no whole bundle", AGAIN, [Problem("missing", SIGNATURE)])
        self.head = Head(heads[str(self._root / MANIFEST)], signature)

    def _inner(self, name: str) -> str:
        """The path below the bundle's folder; what lies beside that folder keeps its whole name."""
        path = PurePosixPath(name)
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else name

    def problems(self, manifest: BundleManifest) -> list[Problem]:
        """What is missing, extra or of another size; what is odd has been refused before."""
        return compare([Entry(path, "file", size) for path, size in self._sizes.items()], manifest.files)

    def stream(self, manifest: BundleManifest) -> Iterator[tuple[BundleFile, Iterator[bytes]]]:
        """In the order of the archive."""
        wanted = {str(self._root / f.path): f for f in manifest.files}
        with opened(self.where) as tar:
            for member in tar:
                file = wanted.pop(plain(member.name), None)
                if file is not None and member.isreg():
                    yield file, chunks(tar, member)


def open_source(
    path: Path, room: Path, progress: Progress | None = None, stopped: Callable[[], bool] = never
) -> BundleSource:
    """What a path names; room: a folder on the disk that the bundle will lie on.

    Raises:
        MissingError: there is nothing that could be a bundle.
        BundleError: it is no whole bundle.
        Interrupted: somebody asked for an end while an archive was read.
    """
    progress = progress or Silent()
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise MissingError(f"there is no {path}", "name the folder of a bundle, a .tar or a .tar.gz")
    with reading(path):
        if not path.is_file() or not is_archive(path):
            raise MissingError(
                f"{path} is neither a folder nor a .tar or .tar.gz", "name the folder that holds manifest.json"
            )
        progress.start("Reading the archive", max(1, round(path.stat().st_size / MIB)), "MiB")

    def seen(at: int) -> None:
        progress.advance(round(at / MIB))
        if stopped():
            raise Interrupted("stopped before anything was copied", "run the same command again")

    source = TarSource(path, shutil.disk_usage(room).free, seen)
    progress.finish()
    return source


def _root(path: Path, heads: dict[str, bytes]) -> PurePosixPath:
    """The folder of the only manifest.json."""
    folders = sorted(str(PurePosixPath(n).parent) for n in heads if PurePosixPath(n).name == MANIFEST)
    if "." in folders:
        return PurePosixPath()
    if len(folders) != 1:
        what = f"several bundles: {', '.join(folders)}" if folders else f"no bundle: there is no {MANIFEST} in it"
        raise BundleError(f"{path} holds {what}", "pack one bundle an archive: tar -cf NAME.tar FOLDER")
    return PurePosixPath(folders[0])
