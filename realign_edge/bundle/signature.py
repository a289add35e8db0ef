"""`manifest.sig`: an Ed25519 signature (RFC 8032) over the manifest's bytes, with the key that made it.

The text has one form only, so that no byte of it can be changed without notice.
"""

import re
from pathlib import Path

from realign_edge.bundle.contract import MANIFEST, SIGNATURE
from realign_edge.bundle.errors import BundleError, Problem, UntrustedKeyError
from realign_edge.bundle.keys import PublicKey, SigningKey
from realign_edge.bundle.manifest import AGAIN
from realign_edge.bundle.trust import TrustedKeys

SIGNATURE_MOST = 1024
# What is signed begins with this, so that a signature of something else is none of a manifest.
_DOMAIN = b"realign-edge bundle manifest 1\n"
_TEXT = re.compile(rb"realign-edge bundle signature 1\nkey ([0-9a-f]{64})\nsignature ([0-9a-f]{128})\n")


def signature_bytes(manifest: bytes, key: SigningKey) -> bytes:
    """The content of manifest.sig."""
    made = key.sign(_DOMAIN + manifest).hex()
    return f"realign-edge bundle signature 1\nkey {key.public.raw.hex()}\nsignature {made}\n".encode()


def signer_of(manifest: bytes, signature: bytes, where: Path) -> PublicKey:
    """The key that signed these bytes, trusted or not.

    Raises:
        BundleError: it is no signature, or not one of these bytes.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    found = _TEXT.fullmatch(signature)
    if found is None:
        problem = Problem("signature", SIGNATURE, "it is no signature of a bundle")
        raise BundleError(f"{where} is not signed", AGAIN, [problem])
    raw = bytes.fromhex(found[1].decode())
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(bytes.fromhex(found[2].decode()), _DOMAIN + manifest)
    except (InvalidSignature, ValueError):
        about = f"{MANIFEST} or {SIGNATURE} was changed after signing"
        raise BundleError(f"{where}: the signature is wrong", AGAIN, [Problem("signature", SIGNATURE, about)]) from None
    return PublicKey(raw)


def check_signature(manifest: bytes, signature: bytes, keys: TrustedKeys, where: Path) -> PublicKey:
    """The trusted key that signed these bytes.

    Raises:
        UntrustedKeyError: the key is not trusted here.
        BundleError: there is no good signature.
    """
    signer = signer_of(manifest, signature, where)
    known = keys.find(signer.raw)
    if known is not None:
        return known
    if signer.id in keys.revoked:
        raise UntrustedKeyError(
            f"{where} is signed with key {signer.id}, which was revoked on this machine",
            "ask for a bundle that is signed with the workstation's new key",
        )
    trusted = ", ".join(k.id for k in keys.keys) or "none yet"
    raise UntrustedKeyError(
        f"{where} is signed with a key that is not trusted here: {signer.id} (trusted: {trusted})",
        "trust the workstation's key file: --trust workstation.pub; or compare the fingerprint "
        f"{signer.fingerprint} with the workstation's (`bundle keys show`) and give --trust-this-key",
    )
