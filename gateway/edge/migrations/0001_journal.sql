-- The journal of one gateway. Lines are stored as the exact bytes that are linked and sent.

-- The ledger stream: numbers without gaps; link = SHA-256(previous link in hex, then the line).
CREATE TABLE ledger (
    seq  INTEGER PRIMARY KEY,
    link BLOB NOT NULL CHECK (length(link) = 32),
    line TEXT NOT NULL
);

-- Positions: numbers of their own, gaps allowed, no chain, bounded.
CREATE TABLE track (
    seq  INTEGER PRIMARY KEY,
    line TEXT NOT NULL
);

-- Requests that were granted and wrote records, by the number of the first one. An id is recorded once.
-- shown: 1 once the operator saw the yes, and where nobody waits for one.
CREATE TABLE request (
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL,
    shown INTEGER NOT NULL,
    id    TEXT NOT NULL UNIQUE
);

-- What the facts add up to. sum: the first 8 bytes of SHA-256 over kind, id, parent and body.
-- Rows lie in a table with numbers and are found by an index: a page of 512 bytes keeps at most 102 bytes of an
-- index entry, so that bodies within an index would each need a page of their own, read at every comparison.
CREATE TABLE row (
    number INTEGER PRIMARY KEY,
    kind   INTEGER NOT NULL,
    id     TEXT NOT NULL,
    parent TEXT,
    body   TEXT NOT NULL,
    sum    INTEGER NOT NULL,
    UNIQUE (kind, id)
);

CREATE INDEX row_by_parent ON row (kind, parent, id) WHERE parent IS NOT NULL;

-- Signed orders in force, whole: their secrets are read from here at a start.
CREATE TABLE order_doc (
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    epoch  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- Single values: the journal's id, the gateway, the boot count, the latest acknowledgement, the boundary of a prune.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
