"""Reading the appliance's file: where it lies, what it says, and where each effective value comes from."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.appliance.where import config_file
from realign_edge.config.load import from_values, over, read_toml
from realign_edge.pipeline.config import AlignConfig, resolve, sources_of


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value; source: `default`, `preset NAME`, `site.name`, or the file that says it."""

    key: str
    value: Any
    source: str


def written_values(path: Path | None = None) -> dict[str, Any]:
    """What the file says, whole and checked; {} without one.

    Raises:
        UsageError: with every problem of the file.
    """
    found = path or config_file()
    if found is None:
        return {}
    values = read_toml(found)
    built = from_values(ApplianceConfig, values, str(found))
    # The preset may be unknown, which only resolving tells.
    _resolved(built, values)
    return values


def appliance(path: Path | None = None) -> ApplianceConfig:
    """The effective configuration of this machine; [align] with its preset put in.

    Raises:
        UsageError: with every problem of the file.
    """
    found = path or config_file()
    values = written_values(found)
    return _resolved(from_values(ApplianceConfig, values, str(found)), values)


def align_values() -> dict[str, Any]:
    """The table [align], with the name of the site where it names none: what lies under `align --config FILE`.

    Raises:
        UsageError: with every problem of the file.
    """
    return _align_table(written_values())


def _align_table(values: Mapping[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = values.get("align", {})
    name = values.get("site", {}).get("name", "")
    if name and not table.get("export", {}).get("site"):
        table = {**table, "export": {**table.get("export", {}), "site": name}}
    return table


def effective(path: Path | None = None, run: Path | None = None) -> Iterator[Setting]:
    """Every value with its source, in the order of the file. run: what `align --config` would name, which beats it.

    Raises:
        UsageError: with every problem of a file.
    """
    found = path or config_file()
    values, own = written_values(found), read_toml(run) if run else {}
    table = _align_table(values)
    config = dataclasses.replace(appliance(found), align=resolve(run, {}, table))
    presets = sources_of(over(table, own))
    for key, value in _flat(config, ""):
        inner = key.removeprefix("align.")
        if inner != key and _says(own, inner.split(".")):
            yield Setting(key, value, str(run))
        elif _says(values, key.split(".")):
            yield Setting(key, value, str(found))
        elif key == "align.export.site" and value:
            yield Setting(key, value, "site.name")
        else:
            yield Setting(key, value, presets.get(inner, "default") if inner != key else "default")


def defaults() -> dict[str, Any]:
    """What holds without a file: key to value."""
    return dict(_flat(ApplianceConfig(align=resolve(None, {})), ""))


def _resolved(config: ApplianceConfig, values: Mapping[str, Any]) -> ApplianceConfig:
    align: AlignConfig = resolve(None, {}, _align_table(values))
    return dataclasses.replace(config, align=align)


def _flat(config: Any, at: str) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _flat(value, f"{at}{field.name}.")
        else:
            yield f"{at}{field.name}", value


def _says(values: Mapping[str, Any], keys: list[str]) -> bool:
    """Does the file itself name this key?"""
    for key in keys[:-1]:
        inner = values.get(key, {})
        if not isinstance(inner, Mapping):
            return False
        values = inner
    return keys[-1] in values
