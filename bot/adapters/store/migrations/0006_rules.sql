-- What a server's entry looks for and what follows: kind is 'word', 'hard', 'pattern' or 'allowed', action is 'refuse',
-- 'review' or 'log'. An allowed word stands in the same table, so that nothing is refused and allowed at once.
ALTER TABLE words ADD COLUMN kind TEXT NOT NULL DEFAULT 'word';
ALTER TABLE words ADD COLUMN action TEXT NOT NULL DEFAULT 'refuse';
