"""What is wrong with record files: each kind told in full a few times, then counted."""

from realign_edge.photos.text import clean

MAX_TOLD = 20


class Problems:
    """Collects sentences of the form "file line n: what; what happens or what to do"."""

    def __init__(self) -> None:
        self._told: dict[str, list[str]] = {}
        self._more: dict[str, int] = {}
        self._counted: dict[tuple[str, str], tuple[int, str]] = {}

    def add(self, file: str, text: str, line: int = 0) -> None:
        """Tell of one place; after MAX_TOLD of one file the rest is counted. Files are quoted: it is cleaned."""
        text = clean(text).replace("\n", " ")
        told = self._told.setdefault(file, [])
        if len(told) >= MAX_TOLD:
            self._more[file] = self._more.get(file, 0) + 1
            return
        told.append(f"{file} line {line}: {text}" if line else f"{file}: {text}")

    def count(self, file: str, text: str, example: str) -> None:
        """Tell once of something that may hold for many rows: "file: n <text> (first: example)"."""
        n, first = self._counted.get((file, text), (0, clean(example).replace("\n", " ")))
        self._counted[file, text] = (n + 1, first)

    def listed(self) -> tuple[str, ...]:
        """Everything, by file."""
        found = []
        for file in sorted({*self._told, *(f for f, _ in self._counted)}):
            found += self._told.get(file, [])
            if file in self._more:
                found.append(f"{file}: {self._more[file]} more rows with problems")
            for (where, text), (n, example) in self._counted.items():
                if where == file:
                    found.append(f"{file}: {n} {text} (first: {example[:80]})")
        return tuple(found)
