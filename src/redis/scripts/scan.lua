-- What there is to do in one shard.
--
-- KEYS: due, work, out. ARGV: 1 the time, 2 how much of each at most.
-- Answers {what is due with its times, the earliest time in `due` or '', what to look at with its
--   marks, '1' when events wait that nobody seems to publish or ''}.
local kStale = 1000000 -- us

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local work = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'WITHSCORES',
  'LIMIT', 0, ARGV[2])
local front = redis.call('LINDEX', KEYS[3], 0)
local stale = front and tonumber(string.sub(front, 1, 16)) + kStale < now
return {due, first[2] or '', work, stale and '1' or ''}
