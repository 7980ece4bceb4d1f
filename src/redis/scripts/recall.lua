-- What an idempotency key was used for. KEYS: entry, intent.
-- Answers {the entry or '', the intent of a commit that is not over or ''}.
return {redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or ''}
