"""Which neighbours may serve as the reference photo v_l, and why the others may not.

A retrieved photo that shows the same thing teaches a falsehood; one that has nothing in common teaches
nothing. The choice between them decides the result, so every refusal has a reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from realign_edge.photos.model import Photo
from realign_edge.vlm.pooling import Pooling


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """Similarities are cosines in [-1, 1].

    neighbours: how many candidates are looked at; references: how many of them are tried at most; photos above
    max_similarity are repeat shots, below min_similarity too different;
    same_part: prefer, require or ignore candidates of the same part; match_attributes: record columns
    (camera, lighting, finish, ...) that must agree; pooling: of the tower's states into one vector. The class
    token finds the same part in other circumstances (benchmarks/RESULTS.md); a mean finds the same background.
    """

    neighbours: int = 24
    references: int = 5
    min_similarity: float = 0.0
    max_similarity: float = 0.9995
    same_part: str = "prefer"
    match_attributes: tuple[str, ...] = ()
    pooling: Pooling = "cls"

    def __post_init__(self) -> None:
        if not 1 <= self.references <= self.neighbours:
            raise ValueError("references must be between 1 and neighbours")
        if not -1 <= self.min_similarity < self.max_similarity <= 1:
            raise ValueError("min_similarity must be below max_similarity, both in [-1, 1]")
        if self.same_part not in ("prefer", "require", "ignore"):
            raise ValueError("same_part must be prefer, require or ignore")
        if self.pooling not in ("mean", "cls", "projected"):
            raise ValueError("pooling must be mean, cls or projected")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A neighbour: `rank` from 1 in the order tried; `reason` is "" where it may serve."""

    photo: Photo
    similarity: float
    rank: int
    reason: str = ""


def choose_references(
    photo: Photo,
    neighbours: Sequence[tuple[str, float]],
    photos: Mapping[str, Photo],
    settings: RetrievalSettings,
    same_content: Callable[[Photo, Photo], bool],
    fits: Callable[[Photo, Photo], bool] = lambda _photo, _other: False,
) -> tuple[list[Candidate], list[Candidate]]:
    """Split neighbours (identity, similarity; best first) into usable ones, in the order to try, and refused ones.

    `same_content(a, b)` says that the records of a and b state the same, so that b also fits a's note; `fits(a, b)`
    that a person found so.
    """
    usable: list[Candidate] = []
    refused: list[Candidate] = []
    for sha, similarity in neighbours:
        other = photos[sha]
        reason = (
            _reason(photo, other, similarity, settings)
            or ("a person says that it fits, too" if fits(photo, other) else "")
            or ("its record says the same" if same_content(photo, other) else "")
        )
        (refused if reason else usable).append(Candidate(other, similarity, 0, reason))
    if settings.same_part == "prefer":
        usable.sort(key=lambda c: not _same_part(photo, c.photo))
    ranked = [Candidate(c.photo, c.similarity, i) for i, c in enumerate(usable[: settings.references], 1)]
    return ranked, refused


def _reason(photo: Photo, other: Photo, similarity: float, settings: RetrievalSettings) -> str:
    if other.sha256 == photo.sha256:
        return "the photo itself"
    if similarity > settings.max_similarity:
        return "a near-duplicate"
    if similarity < settings.min_similarity:
        return "too different"
    ours, theirs = photo.record, other.record
    if ours is not None and theirs is not None:
        if ours.serial and ours.serial == theirs.serial:
            return "the same specimen"
        if settings.same_part == "require" and not _same_part(photo, other):
            return "another part"
        for key in settings.match_attributes:
            if _attribute(photo, key) != _attribute(other, key):
                return f"another {key}"
    return ""


def _same_part(photo: Photo, other: Photo) -> bool:
    return photo.record is not None and other.record is not None and photo.record.part == other.record.part


def _attribute(photo: Photo, key: str) -> str:
    if photo.record is None:
        return ""
    return str(getattr(photo.record, key, "") or photo.record.attributes.get(key, ""))
