"""Fills the state folder of a training run with real means of the kernel, makes room again, and prints what happened.

python full_disk.py MEANS HOME PHOTOS CONFIG, where MEANS is
  tmpfs: HOME becomes a small file system of this process's mount namespace (start it under `unshare -m`);
  limit: no file of the running process may grow beyond 2 KiB (RLIMIT_FSIZE), where namespaces are not permitted.
"""

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

EXECUTABLE = str(Path(sys.executable).with_name("realign-edge"))
SIZE = "24m"
# More than a heartbeat, less than the events of a few steps or a checkpoint.
MOST_BYTES = 2048
LIMIT_S = 180.0


def start(home: Path, photos: str, config: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [EXECUTABLE, "align", photos, "--config", config, "--until", "train", "--quiet"],
        env={**os.environ, "REALIGN_EDGE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_checkpoint(home: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + LIMIT_S
    while not any(home.glob("runs/2*/checkpoints/step-*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no checkpoint"
        time.sleep(0.005)


def fill(means: str, home: Path, process: "subprocess.Popen[str]") -> Path:
    filler = home / "filler"
    if means == "limit":
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MOST_BYTES, resource.RLIM_INFINITY))
        return filler
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def checkpoints(run: Path) -> dict[str, bool]:
    """Manifest to: are the bytes of its tensors the ones it names?"""
    found = {}
    for path in sorted(run.glob("checkpoints/step-*.json")):
        wanted = json.loads(path.read_text())["sha256"]
        found[path.stem] = hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest() == wanted
    return found


def main(means: str, home: Path, photos: str, config: str) -> None:
    if means == "tmpfs":
        kept = home.with_name("kept")
        shutil.copytree(home, kept)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(home)], check=True)
        shutil.copytree(kept, home, dirs_exist_ok=True)
    process = start(home, photos, config)
    wait_for_checkpoint(home, process)
    # Held still while the disk fills, so that the work cannot be done before.
    process.send_signal(signal.SIGSTOP)
    filler = fill(means, home, process)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=LIMIT_S)
    run = next(home.glob("runs/2*"))
    lines = (run / "events.jsonl").read_bytes().split(b"\n")
    about = {
        "code": process.returncode,
        "errors": errors,
        "status": json.loads((run / "status.json").read_text()),
        "checkpoints": checkpoints(run),
        "left": [p.name for p in run.rglob("*.tmp")],
        "torn": bool(lines[-1]) or not all(json.loads(line) for line in lines[:-1]),
        "adapter_too_early": (run / "adapter").exists(),
    }
    filler.unlink(missing_ok=True)
    again = start(home, photos, config)
    _, about["again_errors"] = again.communicate(timeout=LIMIT_S)
    about["again_code"] = again.returncode
    about["resumed"] = [
        json.loads(x)["step"] for x in (run / "events.jsonl").read_bytes().splitlines() if b'"resumed"' in x
    ]
    about["adapter"] = hashlib.sha256((run / "adapter" / "adapter_model.safetensors").read_bytes()).hexdigest()
    print(json.dumps(about))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4])
