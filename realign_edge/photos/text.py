"""Text from a photo folder is untrusted: decode it in the encodings that plants write, strip what is no text."""

import re
import unicodedata

# Terminal sequences (colours, titles) go as a whole; a lone escape goes with the control characters.
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\)")
# C0 and C1 controls but tab and newline, direction overrides, byte order marks; line separators become newlines.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean(text: object) -> str:
    """Untrusted text as one may print and store it: no controls, terminal sequences or direction overrides.

    Halves of surrogate pairs, which JSON can hold and UTF-8 cannot, become U+FFFD. None is "".
    """
    if text is None:
        return ""
    plain = _SEQUENCE.sub("", str(text)).replace("\u2028", "\n").replace("\u2029", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", plain)).strip()


def is_clean_name(name: str) -> bool:
    """Whether a file name can be printed, stored and compared: valid Unicode without control characters."""
    return not (_SURROGATE.search(name) or _CONTROL.search(name) or "\n" in name or "\t" in name)


def shown(name: str) -> str:
    """A file name that is not clean, with what is wrong in it as escapes (`\\udc8f`, `\\x1b`)."""
    return "".join(c if is_clean_name(c) else c.encode("unicode_escape").decode("ascii") for c in name)


def folded(name: str) -> str:
    """A name for comparison across systems: composed Unicode (macOS writes it decomposed), case ignored."""
    return unicodedata.normalize("NFC", name).casefold()


def decode_text(data: bytes) -> tuple[str, bool]:
    """Text of a record file, and whether every byte of it could be read.

    UTF-8 with or without a byte order mark; UTF-16 with one; else cp932 (Shift-JIS), which Japanese
    spreadsheets write. Nothing else is tried: an encoding is stated or one of these.
    """
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            return data.decode(encoding), True
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace"), False
