"""Noto Sans JP, cut to what reports need (OFL.txt); `python -m realign_edge.reports.fonts.subset` makes the files."""

from pathlib import Path

REGULAR = Path(__file__).with_name("NotoSansJP-Regular.woff")
BOLD = Path(__file__).with_name("NotoSansJP-Bold.woff")
