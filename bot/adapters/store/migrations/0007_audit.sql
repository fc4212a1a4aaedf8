-- The audit of one server, newest first, and what is found when words have been kept long enough.

-- The steps of jobs are most of the lines, and are in none of these but for each one's end. Whoever asks says the same
-- condition, or neither database uses the index. Kind and time stand in it so that lines which do not fit are passed over
-- without being read.
CREATE INDEX audit_by_guild ON audit (guild_id, id, kind, at) WHERE kind < 'job.' OR kind > 'job/';
CREATE INDEX audit_of_pictures ON audit (guild_id, id) WHERE kind = 'job.settled';

CREATE INDEX cases_with_words ON cases (decided_at) WHERE state = 'CLOSED' AND (data <> '{}' OR words <> '');
CREATE INDEX notices_over ON notices (at) WHERE state <> 'PENDING';
CREATE INDEX reports_with_words ON reports (at) WHERE words <> '';
