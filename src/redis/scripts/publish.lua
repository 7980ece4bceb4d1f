-- Appends events that wait in the `out` of some shards to the log of their tenant, each once, those of
-- a shard in the order given (redis-data-format.md, "Events"). An event that is not kept takes its
-- number and is removed at once, with all before it.
--
-- KEYS: log, head, logs, mark. All are of the tenant's home shard.
-- ARGV: 1 the tenant; 2 how long the mark of an empty log is kept, in ms; then for each event the shard
--   it comes from, its number there and its value ('': it is not kept).
-- Answers how many were new.
local kHeadKept = 120 * 1000 -- ms; as in trim.lua
local call = redis.call

local fields = {'last'}
for i = 3, #ARGV, 3 do fields[#fields + 1] = ARGV[i] end
local known = call('HMGET', KEYS[2], unpack(fields))
local last = math.max(tonumber(known[1] or '0'), tonumber(call('GET', KEYS[4]) or '0'))
local tail = call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if tail then last = math.max(last, tonumber(string.match(tail[1], '^%d+'))) end
local time = call('TIME')
local now = time[1] * 1000000 + time[2]

local seen = {}
local oldest -- of the events that begin the log
local empty = not tail
local began_empty = empty
local mark
local count = 0
for i = 3, #ARGV, 3 do
  local shard, number, value = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  if number > (seen[shard] or tonumber(known[i / 3 + 1] or '0')) then
    seen[shard] = number
    last = math.max(now, last + 1)
    if value == '' then
      if not empty then call('UNLINK', KEYS[1]) end
      empty, began_empty, oldest, mark = true, true, nil, last
    else
      call('XADD', KEYS[1], string.format('%.0f-0', last), 'e', value)
      oldest = oldest or value
      empty = false
    end
    count = count + 1
  end
end
if count == 0 then return 0 end

local head = {'last', string.format('%.0f', last)}
for shard, number in pairs(seen) do
  head[#head + 1] = shard
  head[#head + 1] = string.format('%.0f', number)
end
call('HSET', KEYS[2], unpack(head))
if mark then call('SET', KEYS[4], string.format('%.0f', mark)) end
if empty then
  call('PEXPIRE', KEYS[2], kHeadKept)
  call('PEXPIRE', KEYS[4], ARGV[2])
  call('ZREM', KEYS[3], ARGV[1])
elseif began_empty then
  call('PERSIST', KEYS[2])
  call('PERSIST', KEYS[4])
  call('ZADD', KEYS[3], string.format('%.0f', struct.unpack('>i8', oldest, 4)), ARGV[1])
end
return count
