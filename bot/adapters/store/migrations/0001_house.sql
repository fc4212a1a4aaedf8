-- Times are unix seconds, days begin at midnight UTC, amounts are pictures and Anlas.

CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT;

-- One row. The counters of house and guilds hold what the operator pays: the greater of reserved and spent.
CREATE TABLE house (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL DEFAULT 0,
    now_turn INTEGER NOT NULL DEFAULT 0,
    day_start REAL NOT NULL DEFAULT 0,
    pictures INTEGER NOT NULL DEFAULT 0,
    anlas INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO house (id) VALUES (1);

-- Id 0 is the scope of direct messages and user installs. Without a config the server was never admitted.
-- `running` repeats the setting of that name, so that a claim need not read JSON.
CREATE TABLE guilds (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 0,
    config TEXT,
    running INTEGER NOT NULL DEFAULT 1,
    day_start REAL NOT NULL DEFAULT 0,
    pictures INTEGER NOT NULL DEFAULT 0,
    anlas INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The counters hold what the member pays: charged, or else reserved.
CREATE TABLE members (
    guild_id INTEGER NOT NULL REFERENCES guilds (id),
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

-- The token of `place` stands in its own column, so that it can be erased by its expiry.
-- `delivered_at` is when delivery was over: shown, or lapsed.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    requester TEXT NOT NULL,
    place TEXT,
    token TEXT,
    token_expires REAL,
    kind TEXT NOT NULL,
    request TEXT,
    price INTEGER NOT NULL CHECK (price >= 0),
    pictures INTEGER NOT NULL CHECK (pictures >= 0),
    charged_anlas INTEGER CHECK (charged_anlas >= 0),
    charged_pictures INTEGER CHECK (charged_pictures >= 0),
    spent INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
    turn INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    account TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    origin TEXT,
    interaction INTEGER,
    admitted_at REAL NOT NULL,
    claimed_at REAL,
    sent_at REAL,
    settled_at REAL,
    delivery TEXT NOT NULL DEFAULT 'NONE',
    delivery_lease REAL NOT NULL DEFAULT 0,
    delivery_not_before REAL NOT NULL DEFAULT 0,
    delivery_tries INTEGER NOT NULL DEFAULT 0,
    delivered_at REAL,
    FOREIGN KEY (guild_id, user_id) REFERENCES members (guild_id, user_id),
    CHECK ((charged_anlas IS NULL) = (charged_pictures IS NULL))
) STRICT;

-- Finished jobs are in none of the partial indexes: the queue costs the same after a million of them.
CREATE INDEX jobs_in_order ON jobs (turn, id) WHERE state = 'QUEUED';
CREATE INDEX jobs_waiting ON jobs (guild_id, user_id) WHERE state = 'QUEUED';
CREATE INDEX jobs_running ON jobs (guild_id, user_id) WHERE state IN ('RUNNING', 'SENT');
CREATE INDEX jobs_on_account ON jobs (account) WHERE state IN ('RUNNING', 'SENT');
CREATE INDEX jobs_undelivered ON jobs (settled_at, id) WHERE delivery = 'PENDING';
CREATE INDEX jobs_with_token ON jobs (token_expires) WHERE token IS NOT NULL;
CREATE INDEX jobs_by_day ON jobs (admitted_at);
CREATE INDEX jobs_by_guild_day ON jobs (guild_id, admitted_at);
-- Without guild_id: with it the planner would prefer this index to the two partial ones.
CREATE INDEX jobs_by_member_day ON jobs (user_id, admitted_at);

CREATE TABLE blobs (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    kind TEXT NOT NULL,
    n INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    seed INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (job_id, kind, n)
) STRICT;

CREATE TABLE nonces (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    nonce TEXT NOT NULL,
    PRIMARY KEY (job_id, nonce)
) STRICT;

-- AUTOINCREMENT: a draft's id becomes a job's key, so it must never come back.
CREATE TABLE drafts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    requester TEXT NOT NULL,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    price INTEGER NOT NULL,
    expires_at REAL NOT NULL
) STRICT;
CREATE INDEX drafts_by_expiry ON drafts (expires_at);

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
    data TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_job ON audit (job_id);

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
