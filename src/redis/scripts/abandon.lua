-- Gives up a commit with an idempotency key, unless it is decided already.
--
-- KEYS: marker. Answers the decision, '1' or '0'; '' when it was given up now or before.
local state = redis.call('GET', KEYS[1])
if state == 'pending' then redis.call('DEL', KEYS[1]) end
return (state and state ~= 'pending') and state or ''
