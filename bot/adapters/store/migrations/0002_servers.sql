-- A server's own set-up: its words, whom its moderators block, changes that wait for a yes or may be undone.

-- `spoiler` was a switch and is a choice now.
UPDATE guilds SET config = json_set(
    config, '$.spoiler', CASE json_extract(config, '$.spoiler') WHEN 1 THEN 'always' ELSE 'off' END
) WHERE config IS NOT NULL;

-- As they were entered: what makes two entries the same to the rules may change with the rules.
CREATE TABLE words (
    guild_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (guild_id, text)
) STRICT;

-- `until` is null for a block that lasts until it is lifted.
CREATE TABLE blocks (
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    until REAL,
    reason TEXT NOT NULL,
    actor INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id)
) STRICT;

-- AUTOINCREMENT: ids stand in buttons, so one must never come back.
CREATE TABLE pending (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    change TEXT NOT NULL,
    expires_at REAL NOT NULL
) STRICT;
CREATE INDEX pending_by_expiry ON pending (expires_at);

-- What was said once to a server or about it: 'asked' to the operator, 'welcome' to the server.
CREATE TABLE greetings (
    guild_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (guild_id, kind)
) STRICT;
