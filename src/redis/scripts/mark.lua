-- Says that an index entry may be about to become right or wrong, and adds it when it may become
-- right (redis-data-format.md, "The index").
--
-- KEYS: index, work. ARGV: 1 the id, 2 the member in `work`, 3 '1': add the entry.
-- Answers when the entry is to be looked at: the name of this mark.
local kPatience = 60 * 1000000 -- us

local time = redis.call('TIME')
local due = time[1] * 1000000 + time[2] + kPatience
due = math.max(due, tonumber(redis.call('ZSCORE', KEYS[2], ARGV[2]) or '0') + 1)
local digits = string.format('%.0f', due)
redis.call('ZADD', KEYS[2], digits, ARGV[2])
if ARGV[3] == '1' then redis.call('ZADD', KEYS[1], 0, ARGV[1]) end
return digits
