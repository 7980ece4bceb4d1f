-- The first step of a commit with an idempotency key (redis-data-format.md, "Idempotency keys").
--
-- KEYS: entry, intent, work. ARGV: 1 the entry before, 2 the intent, 3 the member in `work`.
-- Answers {1} prepared, {0} conflict, {2, intent}: another commit with this key is not over.
local kPatience = 5 * 1000000 -- us

local intent = redis.call('GET', KEYS[2])
if intent then return {2, intent} end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[2], ARGV[2])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[3], string.format('%.0f', time[1] * 1000000 + time[2] + kPatience), ARGV[3])
return {1}
