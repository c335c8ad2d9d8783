-- Removes members of a dead-letter queue, each only if it is still there with
-- the score that it was seen with.
--
-- KEYS[1]  the queue, a sorted set
-- KEYS[2]  the lease, a string
-- ARGV[1]  the lease's fencing token
-- ARGV[2…] pairs: member, score as ZADD takes it
--
-- Returns how many were removed; or -1, and nothing changed, if KEYS[1] is of
-- another type; or FENCED, an error, if the lease has passed on.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease has passed on (' .. KEYS[2] .. ')')
end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'zset' and kind ~= 'none' then
  return -1
end

local removed = 0
for i = 2, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then
    removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return removed
