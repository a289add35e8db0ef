"""The schema of results.sqlite as numbered steps; a step, once released, is never edited."""

# "RLRS" in ASCII: tells results from the catalog and from other programs' databases.
APPLICATION_ID = 0x524C5253

# What finds a row is computed from its content, so that no column can say something else than the content does.
SAID_AT = """coalesce(json_extract(content, '$.inspected_at'), json_extract(content, '$.refused_at'),
    json_extract(content, '$.decided_at'))"""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE entries (
            number INTEGER PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('inspection', 'refused', 'disposition')),
            content TEXT NOT NULL CHECK (json_valid(content)),
            previous TEXT NOT NULL,
            hash TEXT NOT NULL UNIQUE
        )""",
        "CREATE INDEX entries_by_photo ON entries (json_extract(content, '$.sha256'), kind)",
        f"CREATE INDEX entries_by_time ON entries ({SAID_AT})",
        "CREATE INDEX entries_by_decided ON entries (json_extract(content, '$.entry')) WHERE kind = 'disposition'",
        """CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
            BEGIN SELECT RAISE(ABORT, 'results are append-only: a row is never changed'); END""",
        """CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
            BEGIN SELECT RAISE(ABORT, 'results are append-only: a row is never deleted'); END""",
        # INSERT OR REPLACE deletes without asking the trigger above.
        """CREATE TRIGGER entries_only_follow BEFORE INSERT ON entries
            WHEN NEW.number != (SELECT ifnull(max(number), 0) + 1 FROM entries)
                OR NEW.previous != ifnull((SELECT hash FROM entries ORDER BY number DESC LIMIT 1), '')
            BEGIN SELECT RAISE(ABORT, 'results are append-only: a row follows the last one'); END""",
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
)
