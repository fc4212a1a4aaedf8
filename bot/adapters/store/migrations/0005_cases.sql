-- What moderators decide: cases, what members reported, who was told what, and how members conduct themselves.

-- `user_id` is whom it is about, `reason` the code of why it was opened, `parent_id` the case that an appeal is about.
-- `words` are the moderator's to the member (an appeal's own words are in `data`). `needs_ack` makes it a wall: the
-- member makes no pictures before they read it. `version` grows with each change that its card shows; `carded` is the
-- one that the card shows.
CREATE TABLE cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    channel_id INTEGER NOT NULL,
    job_id INTEGER,
    parent_id INTEGER,
    data TEXT NOT NULL,
    opened_at REAL NOT NULL,
    due_at REAL,
    decision TEXT,
    decided_at REAL,
    actor INTEGER,
    words TEXT NOT NULL DEFAULT '',
    needs_ack INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    carded INTEGER NOT NULL DEFAULT 0,
    card_channel INTEGER,
    card_message INTEGER,
    card_not_before REAL NOT NULL DEFAULT 0
) STRICT;
-- One open case of a kind about a job, and one open appeal of a case, however often something is pressed.
CREATE UNIQUE INDEX cases_open_of_job ON cases (job_id, kind) WHERE state = 'OPEN' AND job_id IS NOT NULL;
CREATE UNIQUE INDEX cases_open_appeal ON cases (parent_id) WHERE state = 'OPEN' AND parent_id IS NOT NULL;
CREATE INDEX cases_open ON cases (guild_id, id) WHERE state = 'OPEN';
CREATE INDEX cases_due ON cases (due_at) WHERE state = 'OPEN';
CREATE INDEX cases_by_member ON cases (user_id, id);
CREATE INDEX cases_by_guild ON cases (guild_id, id);
CREATE INDEX cases_by_job ON cases (job_id);
CREATE INDEX cases_by_parent ON cases (parent_id);
CREATE INDEX cases_uncarded ON cases (card_not_before) WHERE carded < version;
CREATE INDEX cases_unread ON cases (guild_id, user_id) WHERE needs_ack = 1;

CREATE TABLE reports (
    case_id INTEGER NOT NULL REFERENCES cases (id),
    user_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    words TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (case_id, user_id)
) STRICT;
CREATE INDEX reports_by_member ON reports (user_id, at);

-- What a member must be told and could not read where they pressed: by direct message, and in /cases if that is closed.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    code TEXT NOT NULL,
    at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'PENDING'
) STRICT;
CREATE INDEX notices_pending ON notices (not_before) WHERE state = 'PENDING';
CREATE INDEX notices_by_member ON notices (user_id);

-- `heat` is as it was at `heat_at` and decays. `spoiler` is a moderator's order to hide all of a member's pictures.
CREATE TABLE conduct (
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    heat REAL NOT NULL DEFAULT 0,
    heat_at REAL NOT NULL DEFAULT 0,
    spoiler INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (guild_id, user_id)
) STRICT;

-- The case in which a block was decided; server -1 stands for all of them.
ALTER TABLE blocks ADD COLUMN case_id INTEGER;

-- `hidden`: shown behind a spoiler because the picture, not the member, asks for it. `approver` admitted a suggestion.
ALTER TABLE jobs ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN approver INTEGER;
CREATE INDEX jobs_held ON jobs (guild_id, user_id) WHERE state = 'HELD';
CREATE INDEX jobs_proposed ON jobs (guild_id, user_id) WHERE state = 'PROPOSED';
