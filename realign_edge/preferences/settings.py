"""Settings of pair building."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PairSettings:
    """chosen: where the true note comes from ("auto": the record, else the model's own answer, which people
    should review); masking, completion: how the false one is made ("glossary" falls back to "grounding"
    where a note holds no term).

    max_text_similarity: a completion closer to the note than this is no rejection (cosine of the sentence
    encoder; the paper's 0.95). min_reference_gap: log pi_0(y_w|v) - log pi_0(y_w|v_l) in nats below which
    the retrieved photo is taken to fit the note as well. grounding_drop: nats of likelihood a word must
    lose without the photo to be masked. questions: yes/no and "where" pairs per photo; question_photos:
    how many of the nearest photos are looked at for one that contradicts the answer.
    """

    chosen: Literal["auto", "record", "teacher", "model"] = "auto"
    masking: Literal["glossary", "grounding", "model"] = "glossary"
    completion: Literal["infill", "prompt"] = "infill"
    encoder: str = "all-MiniLM-L6-v2"
    max_text_similarity: float = 0.95
    min_reference_gap: float = 0.0
    grounding_drop: float = 0.5
    yes_no_questions: int = 2
    where_questions: int = 1
    teacher: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.max_text_similarity <= 1:
            raise ValueError("max_text_similarity must be in (0, 1]")
        if min(self.yes_no_questions, self.where_questions) < 0:
            raise ValueError("questions per photo must not be negative")
        if self.chosen == "teacher" and not self.teacher:
            raise ValueError('chosen = "teacher" needs `teacher`, the name or folder of the stronger model')
