"""What is told of a pair, in the reader's words: the same in the window and line by line."""

from realign_edge.photos.identity import was_replaced
from realign_edge.photos.model import Photo
from realign_edge.preferences.review.doubts import Doubt
from realign_edge.preferences.review.session import Item, Standing
from tui.words import Words


def progress_line(words: Words, standing: Standing) -> str:
    """How far it is, and how many are worth doing."""
    left = "worth_left" if standing.worth_left else "worth_done"
    said = [words(f"review.{left}", n=f"{standing.worth_left:,}")]
    if standing.contested:
        said.append(words("review.contested_count", n=f"{standing.contested:,}"))
    counts = {"pairs": f"{standing.pairs:,}", "decided": f"{standing.decided:,}", "own": f"{standing.own:,}"}
    return " · ".join([*said, words("review.decided_count", **counts)])


def why_line(words: Words, item: Item) -> str:
    """Why this pair comes now, where it is not just the next in order; "" else. Who said what, where people did."""
    said = ""
    if item.ruling is not None:
        separator = words("review.separator")
        verdicts = [f"{d.reviewer} {words(f'review.said_{d.verdict}')}" for d in item.ruling.decisions]
        said = separator.join(verdicts)
    if item.why == "contested":
        return words("review.why_contested", said=said)
    return "" if item.why == "order" else words(f"review.why_{item.why}")


def doubt_line(words: Words, doubt: Doubt) -> str:
    """One thing that speaks against a pair, with the figure that it was judged by."""
    known = {
        "percent": f"{100 * doubt.strength:.0f} %",
        "gap": f"{doubt.figure:.1f}",
        "n": f"{doubt.figure:.0f}",
        "cosine": f"{doubt.figure:.2f}",
    }
    return words(f"review.doubt_{doubt.name}", **known)


def reason_lines(words: Words, item: Item) -> list[str]:
    """Why to look at it: first why it comes now, then what speaks against it, the heaviest first."""
    why = why_line(words, item)
    doubts = [doubt_line(words, d) for d in item.doubts]
    found = [*([why] if why else []), *doubts]
    return found or [words("review.no_doubt")]


def similarity_line(words: Words, item: Item) -> str:
    """The figures of a pair: rank, similarities, gap; those that were measured."""
    how = item.pair.provenance
    found = [words("review.photo_similarity", value=f"{how.photo_similarity:.2f}")] if item.pair.retrieved else []
    if how.masked:
        found.append(words("review.text_similarity", value=f"{how.text_similarity:.2f}"))
    if how.reference_gap is not None:
        found.append(words("review.gap", value=f"{how.reference_gap:.1f}"))
    return " · ".join(found)


def photo_title(words: Words, name: str) -> str:
    """Above the pair's own photo."""
    return words("review.photo", name=name)


def retrieved_title(words: Words, item: Item, name: str) -> str:
    """Above the retrieved photo; name: "" where there is none."""
    if not name:
        return words("review.no_retrieved" if not item.pair.retrieved else "review.retrieved_gone")
    return words("review.retrieved", name=name)


def progress_bar(standing: Standing, width: int) -> str:
    """How many of the pairs that are worth a look are done, as a bar with the share beside it."""
    done, whole = standing.decided, standing.decided + standing.worth_left
    full = width * done // whole if whole else width
    share = 100 * done // whole if whole else 100
    return f"{'█' * full}{'░' * (width - full)} {share:>3} %"


def replaced(photo: Photo) -> bool:
    """Another file lies where the photo was when the pair was made; reads the file."""
    return was_replaced(photo.path, photo.sha256)
