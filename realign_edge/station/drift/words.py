"""What drift means, in a sentence that a technician understands, in English and Japanese."""

from typing import Literal

from realign_edge.station.drift.drift import Drift, Sign

Language = Literal["en", "ja"]

_SIGNS: dict[Language, dict[Sign, str]] = {
    "en": {
        "unfamiliar": "they look less like the photos that the model was aligned on",
        "review": "more of them than usual need a person",
        "overruled": "people overrule too many verdicts",
    },
    "ja": {
        "unfamiliar": "モデルの調整に使った写真と似ていません",
        "review": "人の確認に回る割合が通常より高くなっています",
        "overruled": "判定が人に覆される割合が高すぎます",
    },
}
_ADVICE: dict[Language, dict[Sign, str]] = {
    "en": {
        "unfamiliar": "Check the camera, lens and lighting first; if the parts or the line have changed on purpose, "
        "align again with photos of today.",
        "review": "Go through `realign-edge results list --review`; align again once a few dozen are decided.",
        "overruled": "Align again with what was overruled: `realign-edge results export`.",
    },
    "ja": {
        "unfamiliar": "まずカメラ・レンズ・照明を確認してください。部品やラインを意図的に変えた場合は、"
        "現在の写真で再調整してください。",
        "review": "`realign-edge results list --review` の写真を判定し、数十件たまったら再調整してください。",
        "overruled": "覆された判定で再調整してください(`realign-edge results export`)。",
    },
}


def sentence(found: Drift, language: Language) -> str:
    """One sentence: is it as it was?"""
    n, least = found.photos, found.settings.least
    japanese = language == "ja"
    if found.state == "too few":
        if japanese:
            return f"比較できる写真がまだ足りません({n} 枚、{least} 枚以上必要です)。"
        return f"There are too few photos to compare yet: {n}, at least {least} are needed on each side."
    if found.state == "steady":
        if japanese:
            return f"直近 {n} 枚の写真は、モデルの調整に使った写真と変わりありません。"
        return f"The last {n} photos still look like those that the model was aligned on."
    signs = [_SIGNS[language][s] for s in found.signs]
    if japanese:
        return f"直近 {n} 枚の写真に変化があります: {'。また、'.join(signs)}。"
    return f"The last {n} photos are not as they should be: {', and '.join(signs)}."


def advice(found: Drift, language: Language) -> tuple[str, ...]:
    """What to do, one sentence for each sign; nothing where all is well."""
    return tuple(_ADVICE[language][s] for s in found.signs)
