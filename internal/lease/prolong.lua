-- Prolongs a lease, if it is the caller's still.
--
-- KEYS[1]  the lease
-- ARGV[1]  the caller's token
-- ARGV[2]  milliseconds that it lives from now on, unless it is prolonged again
--
-- Returns 1 if it was prolonged, 0 if it is another's or nobody's.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
