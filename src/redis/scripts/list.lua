-- The ids of the newest sessions of a tenant in one shard.
--
-- KEYS: named, anonymous. ARGV: 1 the upper bound of ids as ZREVRANGEBYLEX has it, 2 how many of
--   each.
-- Answers {the named ones, the anonymous ones}, each newest first.
local found = {}
for i = 1, 2 do
  found[i] = redis.call('ZREVRANGEBYLEX', KEYS[i], ARGV[1], '-', 'LIMIT', 0, ARGV[2])
end
return found
