"""The closed vocabulary of the synthetic shop floor, in English and Japanese."""

from realign_edge.glossary.model import Category, Glossary, Term


def _terms(category: Category, kind: str, rows: tuple[tuple[str, str, str], ...]) -> tuple[Term, ...]:
    return tuple(Term(term, category, kind, tuple(en.split("|")), tuple(ja.split("|"))) for term, en, ja in rows)


PARTS = _terms(
    "part",
    "",
    (
        ("washer", "flat washer|spacer disc", "ワッシャー|座金"),
        ("hex nut", "hexagon nut|nut", "六角ナット|ナット"),
        ("gear", "spur gear|cogwheel", "歯車|ギア"),
        ("flange", "pipe flange|flange disc", "フランジ|管フランジ"),
        ("bracket", "angle bracket|mounting angle", "ブラケット|取付金具"),
        ("plate", "cover plate|flat plate", "プレート|平板"),
        ("bearing", "ball bearing|bearing unit", "ベアリング|玉軸受"),
        ("shaft", "spindle|axle", "シャフト|スピンドル"),
        ("heat sink", "finned block|cooling fins", "ヒートシンク|放熱器"),
        ("handwheel", "spoked wheel|control wheel", "ハンドル車|手輪"),
    ),
)
RARE_PART = "handwheel"

FINISHES = _terms(
    "attribute",
    "finish",
    (
        ("brushed steel", "bare steel|steel", "ステンレス地|鋼地肌"),
        ("brass", "yellow brass|brass alloy", "真鍮|黄銅"),
        ("copper", "bare copper|red copper", "銅地|赤銅"),
        ("black oxide", "black finish|blackened", "黒染め|黒酸化"),
        ("blue paint", "painted blue|blue lacquer", "青塗装|青色塗装"),
        ("red primer", "primer|red undercoat", "赤下塗り|赤プライマー"),
        ("green coating", "green enamel|coated green", "緑塗装|緑色塗装"),
    ),
)

BACKGROUNDS = _terms(
    "attribute",
    "background",
    (
        ("wooden bench", "workbench|wood", "木製台|作業台"),
        ("green mat", "cutting mat|rubber mat", "緑マット|カッティングマット"),
        ("white tray", "tray|plastic tray", "白トレー|トレー"),
        ("blue cloth", "cloth|blue towel", "青布|布"),
        ("grey conveyor", "conveyor|belt", "コンベヤ|搬送ベルト"),
        ("black foam", "foam|foam pad", "黒フォーム|スポンジ"),
    ),
)

DEFECTS = _terms(
    "defect",
    "",
    (
        ("scratch", "scrape|score mark", "傷|引っかき傷"),
        ("dent", "ding|impact mark", "へこみ|打痕"),
        ("crack", "fracture|fissure", "割れ|亀裂"),
        ("rust", "corrosion|rust spot", "錆|さび"),
        ("oil stain", "oil spot|oil mark", "油染み|油汚れ"),
        ("chip", "chipped spot|spall", "欠け|チッピング"),
        ("burr", "sliver|raised edge", "バリ|かえり"),
        ("pitting", "pits|pinholes", "孔食|ピット"),
        ("heat tint", "heat mark|discoloration", "焼け|変色"),
    ),
)

# Reading order of the 3 x 3 thirds of the square around the part: row * 3 + column.
PLACES = _terms(
    "location",
    "",
    (
        ("upper left", "top left|upper left corner", "左上"),
        ("upper edge", "top edge|top", "上端|上側"),
        ("upper right", "top right|upper right corner", "右上"),
        ("left side", "left edge|left", "左側|左端"),
        ("center", "middle|centre", "中央|真ん中"),
        ("right side", "right edge|right", "右側|右端"),
        ("lower left", "bottom left|lower left corner", "左下"),
        ("lower edge", "bottom edge|bottom", "下端|下側"),
        ("lower right", "bottom right|lower right corner", "右下"),
    ),
)

GLOSSARY = Glossary((*PARTS, *DEFECTS, *FINISHES, *BACKGROUNDS, *PLACES), "the synthetic shop floor")
LIGHTINGS = ("diffuse dome", "left bar", "right lamp", "ring light", "dim evening")
CAMERAS = ("RE-Cam 12", "LineScope A5", "Handheld HX9", "Bench View 2")
