-- Makes a change of one session, or finds that something else is stored (redis-data-format.md,
-- "Commit"). All keys are of the session's shard.
--
-- KEYS: record, due, named, anonymous, out, number, and, of a change with an idempotency key, its
--   marker.
-- ARGV: 1 the record before, 2 after ('': none); 3 the id; 4 the member in `due`, 5 its time;
--   6 '1': file anew; 7, 8 where the session is listed before and after: 'n', 'a' or '';
--   9 the entry in `out` ('': no event); 10 the last moment for this commit ('': none).
-- Answers {what}, or {1, number of the event, number of the event before it in `out`}; 0: there is
--   none, or the commit was made earlier. What: 1 committed, 0 conflict, -1 too late, -2 no marker
--   (the commit is over, or was given up).
local kDecided = 24 * 3600 * 1000 -- ms; as long as idempotency keys are kept
local kNumberKept = 120 * 1000 -- ms

local call = redis.call
local marker = KEYS[7]
local function decide(what)
  if marker then call('SET', marker, what, 'PX', kDecided) end
end

if marker then
  local state = call('GET', marker)
  if not state then return {-2} end
  if state ~= 'pending' then return {tonumber(state), 0, 0} end
end
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
if ARGV[10] ~= '' and now > tonumber(ARGV[10]) then
  decide('0')
  return {-1}
end
if (call('GET', KEYS[1]) or '') ~= ARGV[1] then
  decide('0')
  return {0}
end

if ARGV[2] == '' then
  call('DEL', KEYS[1])
  call('ZREM', KEYS[2], ARGV[4])
else
  call('SET', KEYS[1], ARGV[2])
  if ARGV[1] == '' or ARGV[6] == '1' then
    call('ZADD', KEYS[2], ARGV[5], ARGV[4])
  else
    call('ZADD', KEYS[2], 'LT', ARGV[5], ARGV[4])
  end
end
if ARGV[7] ~= ARGV[8] then
  local lists = {n = KEYS[3], a = KEYS[4]}
  if ARGV[7] ~= '' then call('ZREM', lists[ARGV[7]], ARGV[3]) end
  if ARGV[8] ~= '' then call('ZADD', lists[ARGV[8]], 0, ARGV[3]) end
end

local number, previous = 0, 0
if ARGV[9] ~= '' then
  number = math.max(now, tonumber(call('GET', KEYS[6]) or '0') + 1)
  local digits = string.format('%016.0f', number)
  call('SET', KEYS[6], digits, 'PX', kNumberKept)
  if call('RPUSH', KEYS[5], digits .. ARGV[9]) > 1 then
    previous = tonumber(string.sub(call('LINDEX', KEYS[5], -2), 1, 16))
  end
end
decide('1')
return {1, number, previous}
