-- What could not be shown waits in its member's inbox; and servers that the bot is in no more.

-- `inbox_until` is when it lapses there. `shown_as` is in what likeness it was shown while the original waits: 'webp'
-- (the same pixels) or 'preview'.
ALTER TABLE jobs ADD COLUMN inbox_until REAL;
ALTER TABLE jobs ADD COLUMN shown_as TEXT;
CREATE INDEX jobs_in_inbox ON jobs (user_id, id) WHERE delivery = 'INBOX';
CREATE INDEX jobs_with_request ON jobs (admitted_at) WHERE request IS NOT NULL;

-- `at` is when it was noted, `message_id` the message that Discord made of it; null until that is known.
ALTER TABLE nonces ADD COLUMN at REAL NOT NULL DEFAULT 0;
ALTER TABLE nonces ADD COLUMN message_id INTEGER;

-- When the bot was last seen to be in that server no more; null while it is there.
ALTER TABLE guilds ADD COLUMN left_at REAL;
