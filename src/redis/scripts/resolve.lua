-- The last step of a commit with an idempotency key: its intent is carried out, or dropped. Doing it
-- twice is doing it once.
--
-- KEYS: entry, intent, due, work. ARGV: 1 the commit's number (16 bytes), 2 '1': carry out,
--   3 the entry after ('': none), 4 the member in `due`, 5 its time, 6 the member in `work`.
local intent = redis.call('GET', KEYS[2])
if not intent or string.sub(intent, 1, 16) ~= ARGV[1] then return 0 end
if ARGV[2] == '1' then
  if ARGV[3] == '' then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[3], ARGV[4])
  else
    redis.call('SET', KEYS[1], ARGV[3])
    redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
  end
end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[4], ARGV[6])
return 1
