-- The sessions of one shard, a page at a time, in the order of `due`.
--
-- KEYS: due. ARGV: 1, 2 the member and the score where the last page ended ('', '': the first page);
--   3 how many; 4 what the names of this shard's records begin with (the session's name follows).
-- Answers {member and score where this page ends ('', '': there are no more), name, record, ...}.
local from = 0
if ARGV[1] ~= '' then
  local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if score and tonumber(score) == tonumber(ARGV[2]) then
    from = redis.call('ZRANK', KEYS[1], ARGV[1]) + 1
  else -- it went meanwhile: those of its time again
    from = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
  end
end
local filed = redis.call('ZRANGE', KEYS[1], from, from + ARGV[3] - 1, 'WITHSCORES')
local page = {'', ''}
if #filed == 2 * ARGV[3] then page = {filed[#filed - 1], filed[#filed]} end
for i = 1, #filed, 2 do
  if string.sub(filed[i], 1, 1) == 's' then
    local name = string.sub(filed[i], 2)
    table.insert(page, name)
    table.insert(page, redis.call('GET', ARGV[4] .. name) or '')
  end
end
return page
