-- Takes a VM out of pending, with a dead letter if one is wanted.
--
-- KEYS[2]  the pool's pending
-- KEYS[3]  the dead-letter queue, KEYS[4] the exporters' index of it; only if a
--          dead letter is wanted
-- ARGV[10] seconds that the hash still lives
-- ARGV[11] the dead letter, ARGV[12] its score, ARGV[13] milliseconds that its queue
--          lives from now on
-- The others, and what is returned: see prelude.lua.

local hash, pending, vm = KEYS[1], KEYS[2], ARGV[2]
local letter = #KEYS > 3

local refusal = fenced()
if refusal then return refusal end
local kinds = {{hash, 'hash'}, {pending, 'set'}}
if letter then
  kinds[#kinds + 1] = {KEYS[3], 'zset'}
  kinds[#kinds + 1] = {KEYS[4], 'zset'}
end
refusal = types(kinds) or try({{'SISMEMBER', pending, vm}})
if refusal then return refusal end
if redis.call('SISMEMBER', pending, vm) == 0 then return {'gone', ''} end
refusal = evidence(hash) or taken(hash) or elsewhere(pending)
if refusal then return refusal end

local probes = {}
if letter then
  for i = 3, 4 do
    probes[#probes + 1] = {'ZADD', KEYS[i], 'XX', 'INCR', 0, NOTHING}
    probes[#probes + 1] = {'PEXPIRE', KEYS[i] .. NOTHING, 1}
  end
end
probes[#probes + 1] = {'SREM', pending, NOTHING}
probes[#probes + 1] = {'EXPIRE', hash .. NOTHING, 1}
probes[#probes + 1] = {'PTTL', hash}
refusal = try(probes)
if refusal then return refusal end

if letter then
  redis.call('ZADD', KEYS[3], 'NX', ARGV[12], ARGV[11])
  redis.call('ZADD', KEYS[4], ARGV[12], vm)
  redis.call('PEXPIRE', KEYS[3], ARGV[13])
  redis.call('PEXPIRE', KEYS[4], ARGV[13])
end
redis.call('SREM', pending, vm)
if redis.call('PTTL', hash) == -1 then
  redis.call('EXPIRE', hash, ARGV[10])
end
return {'applied', ''}
