-- A shard has, or is about to have, sessions of a tenant, the last of them until a time.
--
-- KEYS: shards (of the tenant's home shard). ARGV: 1 the shard, 2 the time in ms.
local kLonger = 60 * 1000 -- ms

local time = redis.call('TIME')
local wanted = math.max(tonumber(ARGV[2]), time[1] * 1000 + math.floor(time[2] / 1000)) + kLonger
redis.call('SETBIT', KEYS[1], ARGV[1], 1)
if redis.call('PEXPIRETIME', KEYS[1]) < wanted then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', wanted))
end
