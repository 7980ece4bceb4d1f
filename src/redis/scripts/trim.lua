-- Forgets events from before a time, the oldest of each log first.
--
-- KEYS: logs. ARGV: 1 the time, 2 how many at most, 3 what the names of this shard's logs begin
--   with, 4 what those of their heads do (the tenant follows).
-- Answers {how many, the time of the oldest event of the oldest log that is left, or ''}.
local kHeadKept = 120 * 1000 -- ms; so that numbers rise also when the log is used again

local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local count = 0
while count < limit do
  local tenant = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, 1)[1]
  if not tenant then break end
  local log = ARGV[3] .. tenant
  local oldest
  for _, entry in ipairs(redis.call('XRANGE', log, '-', '+', 'COUNT', limit - count + 1)) do
    local happened = struct.unpack('>i8', entry[2][2], 4)
    if happened >= before or count == limit then
      oldest = {id = entry[1], time = happened}
      break
    end
    count = count + 1
  end
  if oldest then
    redis.call('XTRIM', log, 'MINID', oldest.id)
    redis.call('ZADD', KEYS[1], string.format('%.0f', oldest.time), tenant)
  else
    redis.call('DEL', log)
    redis.call('PEXPIRE', ARGV[4] .. tenant, kHeadKept)
    redis.call('ZREM', KEYS[1], tenant)
  end
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {count, first[2] or ''}
