"""Is a bundle whole, and signed by somebody we trust? Nothing of it is parsed or loaded before the answer is yes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realign_edge.bundle.contract import MANIFEST, SIGNATURE
from realign_edge.bundle.errors import BundleError, Problem
from realign_edge.bundle.inventory import compare, differing, read_plain, walk
from realign_edge.bundle.keys import PublicKey
from realign_edge.bundle.manifest import AGAIN, MANIFEST_MOST, BundleManifest, parse_manifest
from realign_edge.bundle.signature import SIGNATURE_MOST, check_signature
from realign_edge.bundle.trust import TrustedKeys
from realign_edge.carry.staging import never
from realign_edge.errors import MissingError
from realign_edge.progress import Progress


@dataclass(frozen=True, slots=True)
class Head:
    """The two files that everything else follows from, unread as yet."""

    manifest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle that is what `signer` signed."""

    manifest: BundleManifest
    signer: PublicKey


def verify_bundle(
    folder: Path, keys: TrustedKeys, progress: Progress | None = None, stopped: Callable[[], bool] = never
) -> BundleManifest:
    """The manifest of a bundle that is whole and signed with a trusted key.

    Raises:
        MissingError: there is no such folder.
        BundleError: the signature is missing, wrong or not trusted, or files were changed, are missing or extra;
            every one is named.
        Interrupted: somebody asked for an end.
    """
    return verify(folder, keys, progress, stopped).manifest


def verify(
    folder: Path, keys: TrustedKeys, progress: Progress | None = None, stopped: Callable[[], bool] = never
) -> Verified:
    """As `verify_bundle`, with the key that signed it."""
    head = read_head(folder)
    signer = check_signature(head.manifest, head.signature, keys, folder)
    manifest = parse_manifest(head.manifest)
    try:
        problems = compare(list(walk(folder)), manifest.files)
    except OSError as problem:
        raise BundleError(
            f"{problem.filename or folder} cannot be read: {problem.strerror or problem}", AGAIN
        ) from problem
    told = {p.path for p in problems}
    rest = [f for f in manifest.files if f.path not in told]
    problems += differing(folder, rest, progress, stopped)
    if problems:
        raise not_as_signed(folder, problems)
    return Verified(manifest, signer)


def read_head(folder: Path) -> Head:
    """Manifest and signature, bounded and unparsed.

    Raises:
        MissingError: there is no such folder.
        BundleError: one of the files is missing, no plain file or too large.
    """
    if not folder.is_dir():
        raise MissingError(f"there is no bundle {folder}", "name the folder with manifest.json in it, or a .tar")
    found, problems = [], []
    for name, most in ((MANIFEST, MANIFEST_MOST), (SIGNATURE, SIGNATURE_MOST)):
        try:
            found.append(_read(folder / name, most))
        except FileNotFoundError:
            problems.append(Problem("missing", name))
        except OSError as problem:
            problems.append(Problem("odd", name, f"cannot be read: {problem.strerror or problem}"))
    if problems:
        raise BundleError(f"{folder} is no whole bundle", AGAIN, problems)
    return Head(*found)


def not_as_signed(where: Path, problems: list[Problem]) -> BundleError:
    """One failure for all problems."""
    ordered = sorted(problems, key=lambda p: (p.path, p.kind))
    many = f"{len(ordered)} files are" if len(ordered) > 1 else "a file is"
    return BundleError(f"{where}: {many} not as signed, and nothing was loaded", AGAIN, ordered)


def _read(path: Path, most: int) -> bytes:
    data = bytearray()
    for chunk in read_plain(path):
        data += chunk
        if len(data) > most:
            raise OSError(0, f"larger than {most:,} bytes", str(path))
    return bytes(data)
