"""Derive models/presets.toml and the tables of docs/models.md by the planner: `python -m benchmarks.presets`."""

import re
from pathlib import Path

from realign_edge.alignment.gpu_presets import GpuPreset
from realign_edge.alignment.gpu_search import GPU_SIZES_GB, Fit, derived, fit, memory_of, stated
from realign_edge.files import write_atomic
from realign_edge.home import models_folder
from realign_edge.modelstore.licences import licences
from realign_edge.modelstore.sizes import billions, gib

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
_HEAD = """\
# Settings for one workstation GPU of a usual size, derived by the planner (`make presets`); a test holds them to it.
# Of each size the largest model whose photos' resolution can be chosen and that may be used commercially; its finest
# photos, then no gradient checkpointing where that fits, then the largest token budget.
"""


def as_toml(presets: tuple[GpuPreset, ...]) -> str:
    """The file."""
    tables = [
        f'[[preset]]\nname = "{p.name}"\ngpu_gb = {p.gpu_gb}\nmodel = "{p.model}"\nphoto_tokens = {p.photo_tokens}\n'
        f"micro_tokens = {p.micro_tokens}\ngradient_checkpointing = {str(p.gradient_checkpointing).lower()}\n"
        f"lora_rank = {p.lora_rank}\n"
        for p in presets
    ]
    return "\n".join([_HEAD, *tables])


def preset_table(presets: tuple[GpuPreset, ...]) -> str:
    """The presets for people, in Markdown."""
    rows = [
        "| preset | model | photo tokens | a square photo, pixels | token budget | checkpointing | predicted peak |",
        "|---|---|---|---|---|---|---|",
    ]
    shapes = {checkpoint.id: (family, checkpoint, sizes) for family, checkpoint, sizes in stated()}
    for p in presets:
        found = fit(*shapes[p.model], memory_of(p.gpu_gb))
        assert found is not None
        checkpointing = "yes" if p.gradient_checkpointing else "no"
        rows.append(
            f"| `{p.name}` | {p.model} | {p.photo_tokens:,} | {_pixels(found)} | {p.micro_tokens:,} | "
            f"{checkpointing} | {gib(found.found.forecast.total)} of {gib(found.found.limit)} |"
        )
    return "\n".join(rows)


def _pixels(found: Fit) -> str:
    resolution = found.family.resolution
    if resolution is not None and resolution.by == "area":
        side = int((found.photo_tokens * resolution.unit) ** 0.5)
        return f"{side:,} x {side:,}"
    tiles = found.photo_tokens // (resolution.unit if resolution else 1) - 1
    return f"{tiles} tiles and an overview"


def model_table() -> str:
    """Every published model against every size, in Markdown."""
    titles = {licence.id: licence.title for licence in licences()}
    rows = [
        "| model | parameters | licence | commercial | " + " | ".join(f"{g} GB" for g in GPU_SIZES_GB) + " |",
        "|---|---|---|---|" + "---|" * len(GPU_SIZES_GB),
    ]
    for family, checkpoint, sizes in stated():
        cells = [_cell(fit(family, checkpoint, sizes, memory_of(gpu))) for gpu in GPU_SIZES_GB]
        allowed = "yes" if checkpoint.commercial_use else "no"
        licence = titles.get(checkpoint.licence, checkpoint.licence)
        rows.append(
            f"| {checkpoint.id} | {billions(sizes.total)} | {licence} | {allowed} | " + " | ".join(cells) + " |"
        )
    return "\n".join(rows)


def _cell(found: Fit | None) -> str:
    if found is None:
        return "-"
    return f"{found.photo_tokens:,}" + ("*" if found.checkpointing else "")


def page_with(text: str, tables: dict[str, str]) -> str:
    """The page with each table between its marks."""
    for name, table in tables.items():
        begin, end = f"<!-- {name}: made by `make presets` -->", f"<!-- end of {name} -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        text, count = re.subn(pattern, lambda _, t=table, b=begin, e=end: f"{b}\n{t}\n{e}", text, flags=re.S)  # type: ignore[misc]
        if count != 1:
            raise SystemExit(f"the page needs exactly one place for {name}")
    return text


def main() -> int:
    """Write both."""
    presets = derived()
    write_atomic(models_folder() / "presets.toml", as_toml(presets).encode())
    page = page_with(PAGE.read_text(encoding="utf-8"), {"presets": preset_table(presets), "models": model_table()})
    write_atomic(PAGE, page.encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
