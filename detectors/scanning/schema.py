"""The tables of a store; `results` is what people ask: one row a face, or one for a picture without."""

from __future__ import annotations

APPLICATION = 0x77666163
"""SQLite's application_id of a store ("wfac")."""
VERSION = 1
"""Of the tables; a store of another version is refused."""
SCHEMA = """
CREATE TABLE generations (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    options TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE TABLE versions (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL REFERENCES generations (id),
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    sha256 TEXT,
    status TEXT NOT NULL,
    error TEXT,
    width INTEGER,
    height INTEGER,
    format TEXT,
    hash BLOB,
    twins INTEGER,
    seconds REAL NOT NULL,
    examined TEXT NOT NULL,
    thumbnail BLOB,
    versions INTEGER NOT NULL REFERENCES versions (id),
    record TEXT NOT NULL,
    UNIQUE (generation, path)
);
CREATE INDEX pictures_sha256 ON pictures (sha256);
CREATE INDEX pictures_twins ON pictures (generation, twins) WHERE twins IS NOT NULL;
CREATE TABLE faces (
    picture INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    label TEXT NOT NULL,
    llr REAL,
    low REAL,
    high REAL,
    ceiling REAL,
    threshold REAL,
    probability REAL,
    prior REAL,
    confidence REAL,
    "left" REAL,
    top REAL,
    "right" REAL,
    bottom REAL,
    side REAL,
    PRIMARY KEY (picture, number)
) WITHOUT ROWID;
CREATE VIEW results AS
SELECT
    p.path, f.number AS face, (SELECT count(*) FROM faces AS o WHERE o.picture = p.id) AS faces,
    f.label, f.llr, f.low, f.high, f.ceiling, f.threshold, f.probability, f.prior, f.confidence,
    f."left", f.top, f."right", f.bottom, f.side,
    p.status, p.error, p.width, p.height, p.format, p.size, p.sha256, p.twins,
    p.seconds, p.examined, g.model, p.generation
FROM pictures AS p JOIN generations AS g ON g.id = p.generation LEFT JOIN faces AS f ON f.picture = p.id;
"""
UNGROUPED = "CREATE TABLE IF NOT EXISTS ungrouped (generation INTEGER PRIMARY KEY)"
"""Generations that got pictures since their groups were numbered; stores of before get the table when opened."""
COLUMNS = (
    "path", "face", "faces", "label", "llr", "low", "high", "ceiling", "threshold", "probability", "prior",
    "confidence", "left", "top", "right", "bottom", "side", "status", "error", "width", "height", "format", "size",
    "sha256", "twins", "seconds", "examined", "model", "generation",
)  # fmt: skip
"""Of the view `results`, in its order."""
TABLES = frozenset({"results", "pictures", "faces", "generations", "versions"})
"""What a question may read."""
