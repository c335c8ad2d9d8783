-- Takes VMs out of pending, with a dead letter each if they are wanted.
--
-- KEYS[1]  the pool's pending
-- KEYS[2]  the dead-letter queue, KEYS[3] the exporters' index of it; only if
--          dead letters are wanted
-- ARGV[6]  seconds that a hash still lives
-- ARGV[7]  milliseconds that the dead-letter queue lives from now on
-- Each VM's own: the dead letter, and its score.
-- The others, and what is returned: see prelude.lua.

local pending = KEYS[1]
local letter = #KEYS - 1 - tonumber(ARGV[2]) > 1

return each(2, 2, pending, function(v)
  local kinds = {{v.hash, 'hash'}, {pending, 'set'}}
  if letter then
    kinds[#kinds + 1] = {KEYS[2], 'zset'}
    kinds[#kinds + 1] = {KEYS[3], 'zset'}
  end
  local refusal = types(kinds) or try({{'SISMEMBER', pending, v.vm}})
  if refusal then return refusal end
  if redis.call('SISMEMBER', pending, v.vm) == 0 then return {'gone', ''} end
  refusal = evidence(v) or taken(v) or v.elsewhere
  if refusal then return refusal end

  local probes = {}
  if letter then
    for i = 2, 3 do
      probes[#probes + 1] = {'ZADD', KEYS[i], 'XX', 'INCR', 0, NOTHING}
      probes[#probes + 1] = {'PEXPIRE', KEYS[i] .. NOTHING, 1}
    end
  end
  probes[#probes + 1] = {'SREM', pending, NOTHING}
  probes[#probes + 1] = {'EXPIRE', v.hash .. NOTHING, 1}
  probes[#probes + 1] = {'PTTL', v.hash}
  refusal = try(probes)
  if refusal then return refusal end

  if letter then
    redis.call('ZADD', KEYS[2], 'NX', v.own[2], v.own[1])
    redis.call('ZADD', KEYS[3], v.own[2], v.vm)
    redis.call('PEXPIRE', KEYS[2], ARGV[7])
    redis.call('PEXPIRE', KEYS[3], ARGV[7])
  end
  redis.call('SREM', pending, v.vm)
  if redis.call('PTTL', v.hash) == -1 then
    redis.call('EXPIRE', v.hash, ARGV[6])
  end
  return {'applied', ''}
end)
