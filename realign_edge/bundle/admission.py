"""Whom to believe about a bundle that is to be installed: never decided without a person saying so."""

from collections.abc import Callable
from pathlib import Path

from realign_edge.bundle.keys import PublicKey
from realign_edge.bundle.signature import check_signature, signer_of
from realign_edge.bundle.sources import open_source
from realign_edge.bundle.store import bundles_folder
from realign_edge.bundle.trust import TrustedKeys, check_not_revoked, trusted_keys
from realign_edge.carry.staging import never
from realign_edge.errors import UsageError


def admitted(
    home: Path, path: Path, key: PublicKey | None, whoever: bool, stopped: Callable[[], bool] = never
) -> tuple[TrustedKeys, PublicKey | None]:
    """The keys to install with, and the one among them that is to be trusted from now on.

    key: of a key file that a person named; whoever: a person said to trust whatever key signed it.

    Raises:
        UsageError: the key was revoked here, or both were given.
        BundleError: a named key did not sign this bundle, or nobody did; nothing is trusted then.
    """
    known = trusted_keys(home)
    if key is not None and whoever:
        raise UsageError("--trust and --trust-this-key cannot be given together", "the key file is the safer one")
    if key is None and not whoever:
        return known, None
    head = open_source(path, bundles_folder(home), stopped=stopped).head
    if key is None:
        key = PublicKey(signer_of(head.manifest, head.signature, path).raw, "trusted on first use")
    check_not_revoked(home, key)
    # A key that has not signed what lies before us is not remembered on the side.
    check_signature(head.manifest, head.signature, TrustedKeys((key,)), path)
    new = key if known.find(key.raw) is None else None
    return known.plus([key]), new
