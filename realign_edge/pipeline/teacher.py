"""Notes of a stronger model, kept as text, so that it is loaded and asked once."""

from collections.abc import Sequence
from pathlib import Path

from realign_edge.files import fingerprint, write_atomic
from realign_edge.glossary.questions import Language
from realign_edge.photos.model import Photo
from realign_edge.pipeline.config import AlignConfig
from realign_edge.progress import Progress
from realign_edge.team import Team, dealt, mine


def teacher_answers(
    config: AlignConfig, language: Language, home: Path, photos: Sequence[Photo], progress: Progress, team: Team
) -> dict[str, str]:
    """Photo identity to note; members of a team ask about different photos, and the first one writes."""
    from realign_edge.glossary.questions import describe_question
    from realign_edge.photos.same import read_same
    from realign_edge.vlm.generate import generate
    from realign_edge.vlm.load import load_vlm

    teacher = load_vlm(config.pairs.teacher, device=getattr(team, "device", config.device))
    question = describe_question(language)
    folder = home / "teacher" / fingerprint(teacher.fingerprint, question)
    if team.first:
        folder.mkdir(parents=True, exist_ok=True)
    files = {p.sha256: folder / f"{p.sha256}.txt" for p in photos}
    known = team.share({sha: f.read_text(encoding="utf-8") for sha, f in files.items() if f.exists()})
    todo = [p for p in photos if p.sha256 not in known]
    progress.start("Asking the teacher", len(photos))
    for start in range(0, len(todo), team.size):
        asked = todo[start : start + team.size]
        own = [generate(teacher, teacher.sights([read_same(p)]), [question])[0] for p in mine(team, asked)]
        for photo, answer in zip(asked, dealt(team.gather(own)), strict=True):
            known[photo.sha256] = answer
            if team.first:
                write_atomic(files[photo.sha256], answer)
        progress.advance(len(known))
    progress.finish()
    return known
