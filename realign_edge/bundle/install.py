"""Installing a bundle and going back: copied whole, verified, tried on its golden photos, and only then active."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realign_edge.bundle.copying import copy_bundle, put
from realign_edge.bundle.errors import BundleError
from realign_edge.bundle.manifest import BundleManifest, parse_manifest
from realign_edge.bundle.signature import check_signature
from realign_edge.bundle.sources import open_source
from realign_edge.bundle.store import CURRENT, PREVIOUS, cut_short, holding, linked, switch
from realign_edge.bundle.trust import TrustedKeys
from realign_edge.bundle.verify import not_as_signed, read_head, verify, verify_bundle
from realign_edge.carry.staging import check_room, never, staging
from realign_edge.errors import Interrupted, MissingError, RealignError
from realign_edge.files import sync_folder
from realign_edge.progress import Progress, Silent

# Runs a bundle on the golden photos inside it; raises a RealignError that says what came out otherwise.
SelfTest = Callable[[Path], None]
_ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Installed:
    """folder: where the bundle lies; new: False where it was there already; before: the id that was active, or "";
    older: it was made before that one.
    """

    folder: Path
    manifest: BundleManifest
    signer: str
    new: bool
    before: str
    older: bool = False


def install(
    path: Path,
    home: Path,
    keys: TrustedKeys,
    self_test: SelfTest,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = never,
) -> Installed:
    """Copy a bundle here and make it the active one.

    Killed at any point, the old bundle is active or the new one, and the same command again finishes. Where the
    self-test fails nothing changes; where it fails for the bundle that is active already, the previous one becomes
    active again.

    Raises:
        MissingError: there is nothing that could be a bundle.
        BundleError: it is not as signed, or its self-test failed.
        RealignError: there is no room, or the copy failed.
        Interrupted: somebody asked for an end.
    """
    progress = progress or Silent()
    with holding(home, f"installing a bundle from {path}") as folder:
        source = open_source(path, folder, progress, stopped)
        signer = check_signature(source.head.manifest, source.head.signature, keys, path)
        manifest = parse_manifest(source.head.manifest)
        if problems := source.problems(manifest):
            raise not_as_signed(path, problems)
        target, before = folder / manifest.id, linked(folder, CURRENT)
        new = not _is_sound(target, keys, progress, stopped)
        if new:
            check_room(folder, manifest.size, "the bundle")
            with staging(folder, manifest.id) as place:
                copy_bundle(source, manifest, place, progress, stopped)
                verify_bundle(place, keys, progress, stopped)
                if before != manifest.id:
                    _try(place, self_test, f"the active bundle stays {before}" if before else "none is active")
                put(place, target)
                sync_folder(folder)
        if not new or before == manifest.id:
            _try_installed(folder, manifest.id, before, keys, self_test)
        if before != manifest.id:
            switch(folder, manifest.id, before)
        return Installed(target, manifest, signer.id, new, before, manifest.created < _created(folder, before))


def rollback(home: Path, keys: TrustedKeys, self_test: SelfTest) -> tuple[str, str]:
    """Make the previous bundle active again; returns its id and the id that was active.

    Cut short by a kill or a full disk, the same command again finishes it instead of going back and forth.

    Raises:
        MissingError: there is no previous bundle.
        BundleError: it is not as signed, or its self-test failed; then nothing changes.
    """
    begun = cut_short(home) == _ROLLBACK
    with holding(home, "rolling back") as folder:
        now, before = linked(folder, CURRENT), linked(folder, PREVIOUS)
        if begun:
            # It was verified and tried before the swap began, and whoever holds the folder has finished that.
            return now, before
        if not before or before == now or not (folder / before).is_dir():
            raise MissingError("there is no previous bundle to go back to", "look at: realign-edge bundle list")
        verify_bundle(folder / before, keys)
        _try(folder / before, self_test, f"the active bundle stays {now}")
        switch(folder, before, now, _ROLLBACK)
        return before, now


def _created(folder: Path, name: str) -> str:
    """When an installed bundle was made, UTC in ISO 8601; "" where it does not say."""
    try:
        return parse_manifest(read_head(folder / name).manifest).created if name else ""
    except RealignError:
        return ""


def _is_sound(target: Path, keys: TrustedKeys, progress: Progress, stopped: Callable[[], bool]) -> bool:
    """Is this bundle here already, and whole?"""
    if not target.is_dir():
        return False
    try:
        verify(target, keys, progress, stopped)
    except Interrupted:
        raise
    except RealignError as problem:
        progress.warn(
            f"{target.name} is here, but damaged, and is put right: {problem.message.splitlines()[-1].strip()}"
        )
        return False
    return True


def _try(folder: Path, self_test: SelfTest, then: str) -> None:
    """Run the self-test.

    Raises:
        BundleError: it failed; `then` says what is active.
    """
    try:
        self_test(folder)
    except (Interrupted, BundleError):
        raise
    except RealignError as problem:
        raise BundleError(
            f"the self-test of the bundle failed: {problem.message}; {then}",
            "export it anew on the workstation; if it fails again there, this machine computes otherwise",
        ) from problem


def _try_installed(folder: Path, name: str, before: str, keys: TrustedKeys, self_test: SelfTest) -> None:
    """The self-test of a bundle that lies here already; one that is active and fails gives way to the previous one."""
    earlier = linked(folder, PREVIOUS)
    if before != name or not earlier or earlier == name:
        _try(folder / name, self_test, f"the active bundle stays {before}" if before else "none is active")
        return
    try:
        _try(folder / name, self_test, f"the previous bundle {earlier} is active again")
    except BundleError:
        verify_bundle(folder / earlier, keys)
        switch(folder, earlier, name)
        raise
