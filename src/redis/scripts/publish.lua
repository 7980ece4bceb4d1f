-- Appends events of one shard's `out` to the log of their tenant, each once, in the order given
-- (redis-data-format.md, "Events").
--
-- KEYS: log, head, logs. All are of the tenant's home shard.
-- ARGV: 1 the tenant, 2 the shard that the events come from; then for each event its number there
--   and its value.
-- Answers how many were new.
local kHeadKept = 120 * 1000 -- ms

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local seen = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or '0')
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = tonumber(redis.call('HGET', KEYS[2], 'last') or '0')
if tail then last = math.max(last, tonumber(string.match(tail[1], '^%d+'))) end

local count = 0
for i = 3, #ARGV, 2 do
  local number = tonumber(ARGV[i])
  if number > seen then
    seen = number
    last = math.max(now, last + 1)
    local value = ARGV[i + 1]
    redis.call('XADD', KEYS[1], string.format('%.0f-0', last), 'e', value)
    if not tail then
      local happened = struct.unpack('>i8', value, 4)
      redis.call('ZADD', KEYS[3], string.format('%.0f', happened), ARGV[1])
      tail = true
    end
    count = count + 1
  end
end
if count > 0 then
  redis.call('HSET', KEYS[2], 'last', string.format('%.0f', last), ARGV[2],
    string.format('%.0f', seen))
  redis.call('PEXPIRE', KEYS[2], kHeadKept)
end
return count
