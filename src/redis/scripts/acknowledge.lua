-- Takes events off the front of `out` that are in the logs of their tenants.
--
-- KEYS: out. ARGV: the number of the last of them.
local last = tonumber(ARGV[1])
while true do
  local front = redis.call('LINDEX', KEYS[1], 0)
  if not front or tonumber(string.sub(front, 1, 16)) > last then return end
  redis.call('LPOP', KEYS[1])
end
