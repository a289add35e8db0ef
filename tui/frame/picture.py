"""A photo: real pixels where the terminal can, two pixels a cell elsewhere, its name where neither is wanted."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Static

from realign_edge.photos.regular import Refusal
from realign_edge.sentences.translate import spoken
from tui.context import ImageMode
from tui.frame.failure import reason_of
from tui.words import Speaks

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from textual import events

# Larger than any terminal shows of one photo, and quick to send to it.
_LONGEST = 1024
_HALF = (1, 2)


@cache
def drawer(mode: ImageMode) -> Any:
    """The widget class that draws in this mode, and the size of a cell in its pixels; None for `none`.

    The first call asks the terminal what it can, so it must be made before the application starts.
    """
    if mode == "none":
        return None
    from textual_image import widget

    named = {"auto": widget.Image, "kitty": widget.TGPImage, "sixel": widget.SixelImage, "half": widget.HalfcellImage}
    return named[mode]


def colours_are_names(mode: ImageMode) -> bool:
    """Does a colour tell the terminal which picture it is to draw there, as kitty's protocol has it?"""
    from textual_image.renderable import tgp

    kind = drawer(mode)
    return kind is not None and issubclass(kind._Renderable, tgp.Image)


def cell_pixels() -> tuple[int, int]:
    """Width and height of a cell in pixels, as the terminal told."""
    from textual_image._terminal import get_cell_size

    size = get_cell_size()
    return size.width, size.height


def fitted(photo: tuple[int, int], room: Size, cell: tuple[int, int]) -> Size:
    """The largest size in cells that shows the whole photo of (width, height) pixels in `room` undistorted.

    cell: width and height of a cell, in any unit.
    """
    wide = room.width * cell[0] / photo[0]
    high = room.height * cell[1] / photo[1]
    scale = min(wide, high)
    return Size(
        max(1, min(room.width, round(photo[0] * scale / cell[0]))),
        max(1, min(room.height, round(photo[1] * scale / cell[1]))),
    )


class Picture(Container):
    """Shows one photo as large as its room allows, in the middle of it. `show` changes it.

    A photo that is gone or cannot be decoded is told in words, in its place.
    """

    DEFAULT_CSS = """
    Picture { align: center middle; }
    Picture > .words { width: auto; max-width: 100%; height: auto; text-align: center; }
    """

    class Loaded(Message):
        """The photo was decoded, or why it was not."""

        def __init__(self, picture: "Picture", path: Path, image: "PillowImage.Image | None", reason: str) -> None:
            super().__init__()
            self.picture, self.path, self.image, self.reason = picture, path, image, reason

        @property
        def control(self) -> "Picture":
            """Whose photo it is."""
            return self.picture

    def __init__(self, path: Path | None = None, name: str = "", id: str | None = None, classes: str | None = None):
        super().__init__(id=id, classes=classes)
        self._path, self._title = path, name
        self._image: PillowImage.Image | None = None
        self._words = ""

    @property
    def mode(self) -> ImageMode:
        """As the options say."""
        return cast("Speaks", self.app).context.options.image_mode

    def compose(self) -> ComposeResult:
        """Words, and the drawing above them once there is one."""
        yield Static(classes="words", markup=False)

    def on_mount(self) -> None:
        """The photo that it was made with."""
        self.show(self._path, self._title)

    def show(self, path: Path | None, name: str = "") -> None:
        """Show another photo; None: none. name: what people call it (default: the file's name)."""
        self._path, self._title = path, name or (path.name if path else "")
        self._image = None
        if path is None:
            self._say("")
        elif drawer(self.mode) is None:
            self._say(self._title)
        else:
            self._load(path)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _load(self, path: Path) -> None:
        # With numpy behind it, and so only when the first photo is shown: a window is to be there at once.
        from realign_edge.photos.decode import read_photo

        image, reason, language = None, "", cast("Speaks", self.app).words.language
        try:
            image = read_photo(path)
            image.thumbnail((_LONGEST, _LONGEST))
        except Refusal as refusal:
            reason = spoken(str(refusal), language)
        except OSError as problem:
            reason = reason_of(problem, language)
        self.post_message(self.Loaded(self, path, image, reason))

    def on_picture_loaded(self, message: Loaded) -> None:
        """Draw it, unless another one was asked for meanwhile."""
        if message.path != self._path:
            return
        self._image = message.image
        if message.image is None:
            words = cast("Speaks", self.app).words
            self._say(words("common.photo_missing", name=self._title, reason=message.reason))
        else:
            self._draw()
        if message.path.suffix.lower() in (".tif", ".tiff"):
            # While its library's complaints were kept away, what went to the terminal was kept away with them.
            self.app.refresh(repaint=True, layout=True)

    def on_resize(self, _event: "events.Resize") -> None:
        """As large as the new room allows."""
        if self._image is not None:
            self._draw()

    def _say(self, text: str) -> None:
        self._words = text
        self.remove_class("drawn")
        for drawn in self.query(".drawing"):
            drawn.remove()
        said = self.query_one(".words", Static)
        said.display = True
        said.update(text)

    def _draw(self) -> None:
        image, kind = self._image, drawer(self.mode)
        room = self.content_size
        if image is None or kind is None or not room.area:
            return
        self.query_one(".words").display = False
        known = list(self.query(".drawing"))
        drawing: Any = known[0] if known else kind(classes="drawing")
        size = fitted(image.size, room, _HALF if self.mode == "half" else cell_pixels())
        drawing.styles.width, drawing.styles.height = size.width, size.height
        drawing.image = image
        self.add_class("drawn")
        if not known:
            self.mount(drawing)
