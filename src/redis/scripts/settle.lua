-- The index entry is known to be right, or wrong; unless someone else has marked it since.
--
-- KEYS: index, work. ARGV: 1 the id, 2 the member in `work`, 3 the mark, 4 '1': the entry is wrong.
local mark = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[2]) or '0')
if mark ~= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
if ARGV[4] == '1' then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
