-- Adds an index entry that a session should have, when it is missing (redis-data-format.md, "When
-- sessions.index changes").
--
-- KEYS: index, work. ARGV: 1 the id, 2 the member in `work`.
-- Answers the mark under which the new entry is to be verified; '' when it was there, or when
--   whoever marked it before will look at it.
local kPatience = 60 * 1000000 -- us

if redis.call('ZADD', KEYS[1], 'NX', 0, ARGV[1]) == 0 then return '' end
if redis.call('ZSCORE', KEYS[2], ARGV[2]) then return '' end
local time = redis.call('TIME')
local due = string.format('%.0f', time[1] * 1000000 + time[2] + kPatience)
redis.call('ZADD', KEYS[2], due, ARGV[2])
return due
