"""Mistakes that are planted to see whether the storm notices them: each a few words of the product, changed.

A plant is a text that must stand exactly once in a file, and what takes its place. Undisturbed, a planted product does
what the right one does; only a kill at the wrong moment tells them apart.
"""

from dataclasses import dataclass
from pathlib import Path

# (file below the package, what stands there, what takes its place)
Edit = tuple[str, str, str]
_NEXT = 'self.db.execute("COMMIT"); self.db.execute("BEGIN IMMEDIATE")'


@dataclass(frozen=True, slots=True)
class Plant:
    """what: the mistake, in a sentence; stage: the one that is killed; unseen: why no kill can show it, "" where one
    must."""

    name: str
    stage: str
    what: str
    edits: tuple[Edit, ...]
    unseen: str = ""


def plant(tree: Path, chosen: Plant) -> None:
    """Make the mistake in a copy of the tree.

    Raises:
        ValueError: the product does not say any longer what the plant changes.
    """
    for name, there, instead in chosen.edits:
        path = tree / "realign_edge" / name
        text = path.read_text(encoding="utf-8")
        if text.count(there) != 1:
            raise ValueError(f"{chosen.name}: {name} has {text.count(there)} times {there!r}")
        path.write_text(text.replace(there, instead), encoding="utf-8")


PLANTS = (
    Plant(
        "scan-in-two", "index", "That a folder was read is committed before its photos are.",
        (
            ("photos/catalog.py",
             '            self._put_files(root, files)\n            self.db.executemany("INSERT INTO photos',
             "            self._put_files(root, files)\n"
             "            if state is not None:\n"
             "                told = json.dumps(state.problems, ensure_ascii=False)\n"
             '                self.db.execute("INSERT INTO folders VALUES (?, ?, ?, ?, ?)", (str(root), state.inputs, '
             "told, state.split_note, state.duplicates))\n"
             f'                {_NEXT}\n            self.db.executemany("INSERT INTO photos'),
            ("photos/catalog.py", '"INSERT INTO folders VALUES (?, ?, ?, ?, ?)", row', '"SELECT 1"'),
        ),
    ),
    Plant(
        "index-after-manifest", "index", "The index is put in place after the manifest that has its hash.",
        (
            ("retrieval/index.py", "        beside.replace(path)\n",
             '        write_json(folder / "manifest.json", {**asdict(manifest), "sha256": sha256_file(beside)})\n'
             "        beside.replace(path)\n"),
            ("retrieval/index.py",
             '    sync_folder(folder)\n    write_json(folder / "manifest.json", {**asdict(manifest), '
             '"sha256": sha256_file(path)})',
             "    sync_folder(folder)"),
        ),
    ),
    Plant(
        "features-in-place", "index", "A shard of features is written in its place instead of beside it.",
        (("vlm/features.py", 'write_atomic(path, save(tensors, {"about": json.dumps(about)}))',
          'path.write_bytes(save(tensors, {"about": json.dumps(about)}))'),),
    ),
    Plant(
        "pairs-after-cursor", "pairs", "That a photo was tried is committed before its pairs are.",
        (("photos/catalog.py",
          'self.db.execute("DELETE FROM pairs WHERE root = ? AND settings = ? AND photo = ?", key)', _NEXT),),
    ),
    Plant(
        "pairs-before-cursor", "pairs", "Pairs are committed before the fact that they were tried, and not replaced.",
        (
            ("photos/catalog.py",
             '                self.db.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", (*key, text))\n',
             ""),
            ("photos/catalog.py",
             'self.db.execute("DELETE FROM pairs WHERE root = ? AND settings = ? AND photo = ?", key)', "pass"),
            ("photos/catalog.py",
             "                        for i, p in enumerate(pairs)\n                    ],\n                )\n",
             "                        for i, p in enumerate(pairs)\n                    ],\n                )\n"
             f"                {_NEXT}\n"
             '                self.db.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", (*key, text))\n'),
        ),
    ),
    Plant(
        "files-in-place", "training", "Every file is written in its place instead of beside it.",
        (
            ("files.py", "    beside = beside_of(path)\n", "    beside = path\n"),
            ("files.py", "        beside.unlink(missing_ok=True)\n    sync_folder(path.parent)\n",
             "        pass\n    sync_folder(path.parent)\n"),
        ),
    ),
    Plant(
        "pointer-first", "training", "A checkpoint's manifest is written before its weights.",
        (
            ("alignment/checkpoints.py", "    write_atomic(path, data)\n", ""),
            ("alignment/checkpoints.py", '    write_json(path.with_suffix(".json"), manifest)\n',
             '    write_json(path.with_suffix(".json"), manifest)\n    write_atomic(path, data)\n'),
        ),
    ),
    Plant(
        "moments-forgotten", "training", "A resumed run begins with the optimiser's moments at zero.",
        (
            ("alignment/checkpoints.py", "checkpoint.first[name].to(parameter.device)", "torch.zeros_like(parameter)"),
            ("alignment/checkpoints.py", "checkpoint.second[name].to(parameter.device)", "torch.zeros_like(parameter)"),
        ),
    ),
    Plant(
        "order-anew", "training", "A resumed run begins the order of the pairs anew.",
        (("alignment/loop.py", '    loop.events({"type": "resumed", "step": checkpoint.step})',
          "    loop.plan = [*loop.plan[: loop.done], *loop.plan[: len(loop.plan) - loop.done]]\n"
          '    loop.events({"type": "resumed", "step": checkpoint.step})'),),
    ),
    Plant(
        "looks-forgotten", "training", "A resumed run does not know how the held-out pairs fared before.",
        (("alignment/loop.py", "loop.done, loop.looks.seen = checkpoint.step, list(checkpoint.looks)",
          "loop.done = checkpoint.step"),),
    ),
    Plant(
        "leftovers-stay", "training", "What killed writes left beside their place is never taken away.",
        (
            ("runs/run.py", '        self.clear("pause")\n        self.sweep()\n', '        self.clear("pause")\n'),
            ("appliance/upkeep/duties.py", "left = sweep_leftovers(shift.home, below=True, apart=shift.backups)",
             "left = list[Path]()"),
        ),
    ),
    Plant(
        "done-before-written", "evaluation", "The evaluation is called done before its file is written.",
        (
            ("pipeline/stages.py", '        write_json(run.folder / "evaluation.json", outcome.evaluation)\n', ""),
            ("pipeline/stages.py", '        run.finish_stage("evaluate", inputs, outcome.evaluation)\n',
             '        run.finish_stage("evaluate", inputs, outcome.evaluation)\n'
             '        write_json(run.folder / "evaluation.json", outcome.evaluation)\n'),
        ),
    ),
    Plant(
        "export-in-place", "export", "A bundle is put together under its last name.",
        (
            (
                "export/export.py",
                'with made_beside(goal.with_name(f".{goal.name}.tmp")) as place:',
                "shutil.rmtree(goal, ignore_errors=True)\n    goal.mkdir(parents=True)\n    if place := goal:",
            ),
            ("export/export.py", "    _put(place, goal)\n", ""),
        ),
    ),
    Plant(
        "install-in-place", "install", "A bundle is copied under its last name, and what has it is taken as whole.",
        (
            ("bundle/install.py", "new = not _is_sound(target, keys, progress, stopped)", "new = not target.is_dir()"),
            ("bundle/install.py", "            with staging(folder, manifest.id) as place:\n",
             "            if True:\n                place = target\n                place.mkdir()\n"),
        ),
    ),
    Plant(
        "leftover-backed-up", "install", "What a killed write left beside a key is backed up, and taken out again.",
        (
            ("appliance/upkeep/backup.py", ', ignore=shutil.ignore_patterns(".*")', ""),
            ("appliance/upkeep/duties.py", ", apart=shift.backups", ""),
        ),
    ),
    Plant(
        "moved-before-row", "inspect", "A photo is moved before its verdict is written.",
        (
            ("station/watching/watch.py", "        entry, new = self._results.append_new(inspection)\n",
             "        moved = self._away.put(found, self._settings.done, inspection.sha256)\n"
             "        entry, new = self._results.append_new(inspection)\n"),
            ("station/watching/watch.py",
             "        moved = self._away.put(found, self._settings.done, inspection.sha256)\n"
             '        self._tell(Event("inspected"',
             '        self._tell(Event("inspected"'),
        ),
    ),
    Plant(
        "row-unasked", "inspect", "Nobody asks whether a photo, by its hash, has a verdict already.",
        (
            ("station/watching/watch.py", "if (entry := self._results.inspected(digest)) is not None:",
             "if (entry := None) is not None:"),
            ("results/store.py", "found = self.inspected(content.sha256) if isinstance(content, Inspection) else ",
             "found = None if isinstance(content, Inspection) else "),
        ),
    ),
    Plant(
        "head-before-row", "inspect", "The head of the results is in its place before its row is safe.",
        (("results/head.py", "write_synced(staged, _text(head), told_as=path)", "_write(database, head)"),),
    ),
    Plant(
        "report-in-place", "report", "A report is written in its place instead of beside it.",
        (("reports/write.py", "        write_atomic(path, forms[name]())\n",
          "        data = forms[name]()\n"
          "        path.write_bytes(data if isinstance(data, bytes) else data.encode())\n"),),
    ),
    Plant(
        "backup-in-place", "maintain", "A backup is put together under its last name.",
        (
            ("appliance/upkeep/backup.py", 'beside = backups / f".{folder.name}.{os.getpid()}.tmp"', "beside = folder"),
            ("appliance/upkeep/backup.py", "        beside.rename(folder)\n", ""),
            ("appliance/upkeep/backup.py", "    finally:\n        shutil.rmtree(beside, ignore_errors=True)\n",
             "    finally:\n        pass\n"),
        ),
    ),
    Plant(
        "backup-removed-in-place", "maintain", "An old backup is deleted under its name, file by file.",
        (("appliance/upkeep/backup.py", "        folder.rename(hidden)\n        shutil.rmtree(hidden)\n",
          "        shutil.rmtree(folder)\n"),),
    ),
    Plant(
        "head-last", "restore", "Of the results that are put back, the head goes first and comes last.",
        (
            ("appliance/upkeep/restore.py", "key=lambda p: (p.name != head, p.name)",
             "key=lambda p: (p.name == head, p.name)"),
            ("appliance/upkeep/restore.py", "in _in_place(home):", "in reversed([*_in_place(home)]):"),
        ),
    ),
    Plant(
        "restore-over", "restore", "A backup is copied over what is there, file by file, instead of being exchanged.",
        (
            ("appliance/upkeep/restore.py", "        path.rename(aside / path.name)\n",
             "        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, aside / path.name)\n"),
            ("appliance/upkeep/restore.py", "        path.rename(target)\n", "        shutil.copyfile(path, target)\n"),
        ),
    ),
    Plant(
        "no-sync", "training", "Files are renamed into place without being synced first.",
        (("files.py", "else data)\n            handle.flush()\n            os.fsync(handle.fileno())", "else data)"),),
        unseen="kill -9 leaves the kernel's buffers alone; only a power cut loses what was not synced",
    ),
)  # fmt: skip
NAMED = {p.name: p for p in PLANTS}
