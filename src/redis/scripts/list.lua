-- The newest sessions of a tenant in one shard.
--
-- KEYS: named, anonymous. ARGV: 1 the upper bound of ids as ZREVRANGEBYLEX has it, 2 how many of
--   each, 3 what the names of this tenant's records begin with (the id follows).
-- Answers {id, record, ...} of the named ones, then of the anonymous ones, each newest first.
local found = {{}, {}}
for i = 1, 2 do
  for _, id in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[i], ARGV[1], '-', 'LIMIT', 0, ARGV[2])) do
    table.insert(found[i], id)
    table.insert(found[i], redis.call('GET', ARGV[3] .. id) or '')
  end
end
return found
