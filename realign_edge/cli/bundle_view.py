"""Bundles for people, within 80 columns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from realign_edge.bundle.contract import GRAPHS
from realign_edge.bundle.install import Installed
from realign_edge.bundle.manifest import BundleManifest, GraphParity
from realign_edge.bundle.store import Listed
from realign_edge.bundle.verify import Verified
from realign_edge.carry.sizes import gib
from realign_edge.cli.console import console

_HEADS = {
    "max_difference": "max diff",
    "tokens": "tokens",
    "verdicts": "verdicts",
    "chair_i": "false",
    "pope": "yes/no",
}


def verified_lines(found: Verified) -> str:
    """What was checked."""
    manifest = found.manifest
    return (
        f"{manifest.id}: all {len(manifest.files)} files are as signed ({gib(manifest.size)})\n"
        f"signed with key {found.signer.id}  {found.signer.label}".rstrip()
    )


def installed_lines(found: Installed) -> str:
    """What is active now."""
    manifest = found.manifest
    lines = [
        f"active: {manifest.id}  ({manifest.base.name}, run {manifest.training.run}, {gib(manifest.size)})",
        "it answered as expected about its golden photos",
    ]
    if found.before == manifest.id:
        lines[0] = f"{manifest.id} was active already, and stays so"
    elif found.before:
        lines.append(f"before: {found.before}; `realign-edge bundle rollback` goes back to it")
        if found.older:
            lines.append(f"note: made on {manifest.created[:10]}, it is older than the one before")
    return "\n".join(lines)


def as_row(bundle: Listed) -> dict[str, Any]:
    """One installed bundle as plain values."""
    manifest = bundle.manifest
    state = "active" if bundle.active else "previous" if bundle.previous else ""
    row: dict[str, Any] = {"bundle": bundle.id, "state": state, "folder": str(bundle.folder)}
    row["installed_at"] = datetime.fromtimestamp(bundle.installed_at).isoformat(timespec="seconds")
    if manifest is None:
        return {**row, "damage": bundle.damage}
    about = {"model": manifest.base.name, "run": manifest.training.run, "created": manifest.created}
    return {**row, **about, "site": manifest.site, "bytes": manifest.size}


def print_list(bundles: Sequence[Listed]) -> None:
    """One line a bundle."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False, show_header=bool(bundles))
    for name in ("bundle", "state", "model", "run", "created", "size"):
        table.add_column(name, no_wrap=name in ("bundle", "state", "size"), overflow="fold")
    for bundle in bundles:
        row = as_row(bundle)
        state = Text(row["state"], style="green" if bundle.active else "dim")
        if bundle.manifest is None:
            table.add_row(bundle.id, state, Text("damaged", style="red"), Text(bundle.damage))
        else:
            created = bundle.manifest.created[:10]
            table.add_row(bundle.id, state, row["model"], row["run"], created, gib(bundle.manifest.size))
    console().print(table)


def print_bundle(folder: Path, manifest: BundleManifest) -> None:
    """What a bundle is, and what its precisions cost."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True, min_width=9)
    table.add_column(overflow="fold")
    base, training = manifest.base, manifest.training
    table.add_row("Bundle", f"{manifest.id}, {len(manifest.files)} files, {gib(manifest.size)}")
    table.add_row("", Text(str(folder)))
    table.add_row("Made", f"{manifest.created}" + (f", {manifest.site}" if manifest.site else ""))
    table.add_row("Model", f"{base.name} ({base.family})" + (f", licence {base.licence}" if base.licence else ""))
    pairs = sum(training.pairs.values())
    table.add_row(
        "Aligned", f"run {training.run}: {training.photos} photos, {pairs} pairs, {training.held_out} held out"
    )
    style = "green" if training.adopt else "yellow"
    table.add_row("", Text(training.decision, style=style))
    console().print(table)
    print_precisions(manifest)


def print_precisions(manifest: BundleManifest, on: Console | None = None) -> None:
    """The table of precisions, and how their verdicts were compared."""
    on = on or console()
    on.print(precision_table(manifest.parity, manifest.precisions))
    if words := verdicts_line(manifest.parity):
        on.print(Text(words, style="dim"))


def precision_table(parity: Sequence[GraphParity], chosen: Mapping[Any, Any]) -> Table:
    """Each graph in each precision: how large, how far from the torch model, and whether it is used."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("graph", no_wrap=True)
    for name in ("size", *_HEADS.values()):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in sorted(parity, key=lambda p: GRAPHS.index(p.graph)):
        used = chosen.get(row.graph) == row.precision
        state = Text("used", style="green") if used else Text("" if row.passed else "left out", style="yellow")
        cells = [_figure(name, row.figures) for name in _HEADS]
        table.add_row(f"{row.graph.split('_')[0]} {row.precision}", gib(row.size), *cells, state)
    return table


def _figure(name: str, figures: Mapping[str, float]) -> str:
    value = figures.get(name)
    if value is None:
        return "-"
    if name == "max_difference":
        return f"{value:.1e}"
    if name == "verdicts" and "verdicts_low" in figures:
        return f"{100 * value:.0f} ({100 * figures['verdicts_low']:.0f}-{100 * figures['verdicts_high']:.0f})"
    return f"{100 * value:+.1f}" if name in ("chair_i", "pope") else f"{100 * value:.0f} %"


_TOGETHER = "together_"


def verdicts_line(parity: Sequence[GraphParity]) -> str:
    """How whole verdicts were compared; "" where they were not."""
    asked = [row.figures for row in parity if "verdicts_n" in row.figures]
    if not asked:
        return ""
    words = f"verdicts: the same as in fp32, % of {asked[0]['verdicts_n']:.0f} held-out photos (95 % interval)"
    used = next((row.figures for row in parity if f"{_TOGETHER}verdicts" in row.figures), None)
    if used is None:
        return words
    together = {name.removeprefix(_TOGETHER): v for name, v in used.items() if name.startswith(_TOGETHER)}
    return f"{words}; what is used, together: {_figure('verdicts', together)} of {together['verdicts_n']:.0f}"
