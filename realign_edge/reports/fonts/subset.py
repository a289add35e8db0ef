"""Cut Noto Sans JP to the characters of plant records: all of Windows' Japanese code page, Latin, Greek, Cyrillic.

The fonts come from the npm package `@expo-google-fonts/noto-sans-jp` 0.4.3 (TrueType, which PDF embeds by glyph):

    npm install @expo-google-fonts/noto-sans-jp@0.4.3
    python -m realign_edge.reports.fonts.subset node_modules/@expo-google-fonts/noto-sans-jp

Hinting and layout features go: a PDF is drawn at any size, and reports set horizontal lines without ligatures.
"""

import sys
from pathlib import Path

from realign_edge.reports.fonts import BOLD, REGULAR

_SOURCES = {REGULAR: "400Regular/NotoSansJP_400Regular.ttf", BOLD: "700Bold/NotoSansJP_700Bold.ttf"}
_RANGES = (
    (0x20, 0x7E),
    (0xA0, 0x24F),  # Latin
    (0x370, 0x45F),  # Greek and Cyrillic
    (0x2000, 0x206F),  # punctuation
    (0x20A0, 0x20BF),  # currencies
    (0x2100, 0x23FF),  # letterlike, arrows, mathematics
    (0x2460, 0x26FF),  # circled figures, boxes, shapes
    (0x3000, 0x30FF),  # Japanese punctuation and kana
    (0xFF00, 0xFFEF),  # full and half width
)
_UNUSED = ("GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG", "STAT", "DSIG", "meta")


def characters() -> set[int]:
    """Code points: JIS X 0208 with the extensions of code page 932 (髙, 﨑, ①, ㈱), and the ranges above."""
    pairs = (bytes([a, b]) for a in range(0x81, 0xFD) for b in range(0x40, 0xFD))
    kanji = {ord(c) for pair in pairs for c in pair.decode("cp932", "ignore")}
    return kanji | {code for first, last in _RANGES for code in range(first, last + 1)}


def cut(source: Path, target: Path) -> int:
    """Write the subset of `source` as WOFF; how many characters it holds."""
    from fontTools import subset

    options = subset.Options()
    options.hinting, options.layout_features, options.glyph_names = False, [], False
    options.notdef_outline, options.flavor = True, "woff"
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += list(_UNUSED)
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    subset.save_font(font, str(target), options)
    return len(font.getBestCmap())


def main(folder: Path) -> None:
    """Both weights."""
    for target, source in _SOURCES.items():
        print(f"{target.name}: {cut(folder / source, target)} characters, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
