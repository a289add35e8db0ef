"""The glossary of a photo folder."""

from realign_edge.glossary.derive import derive_glossary
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.model import Glossary
from realign_edge.photos.collection import Collection


def find_glossary(collection: Collection) -> Glossary:
    """glossary.toml of the photo folder, else one derived from the records."""
    path = collection.root / "glossary.toml"
    if path.is_file():
        return load_glossary(path)
    return derive_glossary(p.record for p in collection.photos if p.record is not None)
