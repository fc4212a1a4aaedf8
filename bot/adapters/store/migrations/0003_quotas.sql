-- Usage by day and week of each server's own time zone, limits of roles and members, lanes, and how long pictures take.

-- `time_zone` repeats the setting of that name; only a change of it moves the windows of a server.
ALTER TABLE guilds ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';

-- `step` is the lane in which a turn was given; `claimed_turn` is where the house stood when it was claimed last, since a
-- turn may move while it waits; `shape` is model and size, by which durations are known.
ALTER TABLE jobs ADD COLUMN step INTEGER NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN claimed_turn INTEGER;
UPDATE jobs SET claimed_turn = turn WHERE claimed_at IS NOT NULL;
ALTER TABLE jobs ADD COLUMN shape TEXT;
-- With the state in it too: only so SQLite answers from the index alone.
CREATE INDEX jobs_ahead ON jobs (shape, turn, id, state) WHERE state = 'QUEUED';
CREATE INDEX jobs_by_shape ON jobs (shape, settled_at) WHERE state = 'DONE';

-- One counter: whose (0 where a level has no server or no person), and from when until when its jobs were admitted.
-- Those of the levels 'member' and 'house.member' hold what the member pays, the others what the operator does.
CREATE TABLE usage (
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    level TEXT NOT NULL,
    span TEXT NOT NULL,
    starts REAL NOT NULL,
    ends REAL NOT NULL,
    pictures INTEGER NOT NULL DEFAULT 0,
    anlas INTEGER NOT NULL DEFAULT 0,
    extra_pictures INTEGER NOT NULL DEFAULT 0,
    extra_anlas INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (guild_id, user_id, level, span)
) STRICT;

-- The counters of the running day move here; what is missing is added up from the jobs when it is first asked for.
-- The columns day_start, pictures, anlas and extra_* that they leave behind are read by nothing any more.
INSERT INTO usage (guild_id, user_id, level, span, starts, ends, pictures, anlas)
SELECT 0, 0, 'house', 'day', day_start, day_start + 86400, pictures, anlas FROM house WHERE day_start > 0;
INSERT INTO usage (guild_id, user_id, level, span, starts, ends, pictures, anlas)
SELECT id, 0, 'guild', 'day', day_start, day_start + 86400, pictures, anlas FROM guilds WHERE day_start > 0;
INSERT INTO usage (guild_id, user_id, level, span, starts, ends, pictures, anlas, extra_pictures, extra_anlas)
SELECT guild_id, user_id, 'member', 'day', day_start, day_start + 86400, pictures, anlas, extra_pictures, extra_anlas
FROM members WHERE day_start > 0;

-- `stated` is JSON: the measures that were given, null for no limit.
CREATE TABLE allowances (
    guild_id INTEGER NOT NULL,
    whose TEXT NOT NULL,
    id INTEGER NOT NULL,
    stated TEXT NOT NULL,
    PRIMARY KEY (guild_id, whose, id)
) STRICT;
