-- Gives a lease back, if it is the caller's still.
--
-- KEYS[1]  the lease
-- ARGV[1]  the caller's token
--
-- Returns 1 if it was given back, 0 if it was another's or nobody's.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
