-- Forgets events from before a time, the oldest of each log first. The mark of a log is the number of
-- the last event that was removed from it.
--
-- KEYS: logs. ARGV: 1 the time, 2 how many at most, 3 what the names of this shard's logs begin with,
--   4 what those of their heads do, 5 those of their marks (the tenant follows); 6 how long the mark of
--   an empty log is kept, in ms.
-- Answers {how many, the time of the oldest event of the oldest log that is left, or ''}.
local kHeadKept = 120 * 1000 -- ms; so that an event that was published is not published again
local kAtOnce = 64 -- events read; each may be large
local call = redis.call

-- When an event happened. One that is too short to say goes by when it was appended.
local function time_of(entry)
  local value = entry[2][2]
  if value and #value >= 11 then return (struct.unpack('>i8', value, 4)) end
  return math.floor(tonumber(string.match(entry[1], '^%d+')) / 1000)
end

local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local count = 0
while count < limit do
  local tenant = call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, 1)[1]
  if not tenant then break end
  local log, mark = ARGV[3] .. tenant, ARGV[5] .. tenant
  local start = '-'
  local removed, oldest -- the last one to be removed, and the first one that stays
  repeat
    local entries = call('XRANGE', log, start, '+', 'COUNT', kAtOnce)
    for _, entry in ipairs(entries) do
      if count == limit or time_of(entry) >= before then
        oldest = entry
        break
      end
      removed = entry[1]
      count = count + 1
    end
    if removed then start = '(' .. removed end
  until oldest or #entries < kAtOnce
  if removed then call('SET', mark, (string.match(removed, '^%d+'))) end
  if oldest then
    if removed then call('XTRIM', log, 'MINID', oldest[1]) end
    call('ZADD', KEYS[1], string.format('%.0f', time_of(oldest)), tenant)
  else
    call('UNLINK', log)
    call('PEXPIRE', ARGV[4] .. tenant, kHeadKept)
    call('PEXPIRE', mark, ARGV[6])
    call('ZREM', KEYS[1], tenant)
  end
end
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {count, first[2] or ''}
