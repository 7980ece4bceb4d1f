-- A page of a tenant's log: the events after a place in it.
--
-- KEYS: log, mark. ARGV: 1 the number of the place ('': the oldest event kept); 2 how many events;
--   3 how many bytes: the page ends with the event that reaches them; 4 what an event counts beside
--   the length of its value.
-- Answers {'1' when there is a gap between the place and the page or '', the number that the page
--   follows, {number, value, ...}}.
local kAtOnce = 64 -- events read; each may be large
local call = redis.call

local mark = call('GET', KEYS[2]) or '0'
local from, gap = mark, ''
if ARGV[1] ~= '' and ARGV[1] ~= mark then
  if tonumber(ARGV[1]) > tonumber(mark) then -- the last event up to there
    local at = call('XREVRANGE', KEYS[1], ARGV[1] .. '-0', '-', 'COUNT', 1)[1]
    if at then from = string.match(at[1], '^%d+') end
  end
  if from ~= ARGV[1] then gap = '1' end
end

local limit, most, overhead = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local page, count, bytes = {}, 0, 0
local start = '(' .. from .. '-0'
while count < limit and bytes < most do
  local wanted = math.min(kAtOnce, limit - count)
  local entries = call('XRANGE', KEYS[1], start, '+', 'COUNT', wanted)
  for _, entry in ipairs(entries) do
    if bytes >= most then break end
    page[#page + 1] = string.match(entry[1], '^%d+')
    page[#page + 1] = entry[2][2]
    count = count + 1
    bytes = bytes + #entry[2][2] + overhead
    start = '(' .. entry[1]
  end
  if #entries < wanted then break end
end
return {gap, from, page}
