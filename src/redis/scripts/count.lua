-- How many sessions of a tenant one shard has. KEYS: named, anonymous.
return {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2])}
