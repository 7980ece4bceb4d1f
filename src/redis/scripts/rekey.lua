-- Changes an idempotency entry and nothing else.
--
-- KEYS: entry, intent, due. ARGV: 1 the entry before, 2 after ('': none), 3 the member in `due`,
--   4 its time.
-- Answers {1} committed, {0} conflict, {2, intent}: a commit with this key is not over.
local intent = redis.call('GET', KEYS[2])
if intent then return {2, intent} end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {0} end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[3])
end
return {1}
