-- Takes a lease that nobody has, or prolongs one that the caller has.
--
-- KEYS[1]  the lease, a string: <number>:<owner>, with a TTL
-- KEYS[2]  the number of the last grant, a string without a TTL
-- ARGV[1]  the owner
-- ARGV[2]  the token that the owner has, or ''
-- ARGV[3]  milliseconds that a lease lives unless it is prolonged
--
-- Returns {1, token} if the caller has the lease now, else {0, the value of the
-- lease, milliseconds until it ends}.
--
-- The number grows with each grant, so that a token is never given twice, also
-- to the same owner. A refusal changes nothing: what sets the lease is tried before
-- the number grows, with a call that has no effect where there is no lease.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[2] then
  return {0, held, redis.call('PTTL', KEYS[1])}
end
if held then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return {1, held}
end
redis.call('SET', KEYS[1], '', 'XX', 'PX', 1)
local token = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[3])
return {1, token}
