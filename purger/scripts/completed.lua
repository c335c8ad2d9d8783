-- Takes a VM out of completed.
--
-- KEYS[2]  the pool's completed
-- The others, and what is returned: see prelude.lua.

local hash, completed, vm = KEYS[1], KEYS[2], ARGV[2]

local refusal = fenced() or types({{hash, 'hash'}, {completed, 'set'}}) or try({{'SISMEMBER', completed, vm}})
if refusal then return refusal end
if redis.call('SISMEMBER', completed, vm) == 0 then return {'gone', ''} end
refusal = evidence(hash) or elsewhere(completed) or try({{'SREM', completed, NOTHING}})
if refusal then return refusal end

redis.call('SREM', completed, vm)
return {'applied', ''}
