-- The first schema. Times are unix seconds; ids of Discord are 64-bit integers; guild_id 0 is the scope of direct messages.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE house (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL DEFAULT 0,
    now_turn INTEGER NOT NULL DEFAULT 0,
    day_start REAL NOT NULL DEFAULT 0,
    pictures INTEGER NOT NULL DEFAULT 0,
    anlas INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO house (id) VALUES (1);

CREATE TABLE guilds (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 0,
    config TEXT,
    day_start REAL NOT NULL DEFAULT 0,
    pictures INTEGER NOT NULL DEFAULT 0,
    anlas INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE members (
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    last_turn INTEGER NOT NULL DEFAULT 0,
    last_admitted REAL,
    day_start REAL NOT NULL DEFAULT 0,
    pictures INTEGER NOT NULL DEFAULT 0,
    anlas INTEGER NOT NULL DEFAULT 0,
    extra_pictures INTEGER NOT NULL DEFAULT 0,
    extra_anlas INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (guild_id, user_id)
) STRICT;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    origin TEXT,
    interaction INTEGER,
    requester TEXT NOT NULL,
    place TEXT,
    token_expires REAL,
    kind TEXT NOT NULL,
    request TEXT,
    state TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    pictures INTEGER NOT NULL CHECK (pictures >= 0),
    charged_anlas INTEGER,
    charged_pictures INTEGER,
    spent INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    account TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    admitted_at REAL NOT NULL,
    claimed_at REAL,
    sent_at REAL,
    settled_at REAL,
    delivery TEXT NOT NULL DEFAULT 'NONE',
    delivery_until REAL NOT NULL DEFAULT 0,
    nonce TEXT,
    shown_at REAL
) STRICT;
CREATE INDEX jobs_queued ON jobs (turn, id) WHERE state = 'QUEUED';
CREATE INDEX jobs_live ON jobs (guild_id, user_id, state) WHERE state IN ('QUEUED', 'RUNNING', 'SENT');
CREATE INDEX jobs_on_account ON jobs (account) WHERE state IN ('RUNNING', 'SENT');
CREATE INDEX jobs_to_deliver ON jobs (settled_at, id) WHERE delivery = 'PENDING';
CREATE INDEX jobs_by_origin ON jobs (origin, user_id, admitted_at) WHERE origin IS NOT NULL;
CREATE INDEX jobs_by_time ON jobs (admitted_at) WHERE interaction IS NOT NULL;
CREATE INDEX jobs_with_token ON jobs (token_expires) WHERE token_expires IS NOT NULL;

CREATE TABLE blobs (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    n INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    seed INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (job_id, kind, n)
) STRICT;

CREATE TABLE drafts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    requester TEXT NOT NULL,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    price INTEGER NOT NULL,
    expires_at REAL NOT NULL
) STRICT;

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    fence INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    leased_until REAL NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    guild_id INTEGER,
    actor INTEGER,
    job_id INTEGER,
    data TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX audit_by_guild ON audit (guild_id, id);
