-- Moves a VM from ready to completed, where vmpooler destroys it.
--
-- KEYS[2]  the pool's ready, KEYS[3] the pool's completed
-- The others, and what is returned: see prelude.lua.

local hash, ready, completed, vm = KEYS[1], KEYS[2], KEYS[3], ARGV[2]

local refusal = fenced() or types({{hash, 'hash'}, {ready, 'set'}, {completed, 'set'}}) or try({{'SISMEMBER', ready, vm}})
if refusal then return refusal end
if redis.call('SISMEMBER', ready, vm) == 0 then return {'gone', ''} end
refusal = evidence(hash) or taken(hash) or elsewhere(ready)
if refusal then return refusal end
-- Redis asks no memory for SMOVE: it is never out of memory here.
refusal = try({{'SMOVE', ready, completed, NOTHING}})
if refusal then return refusal end

redis.call('SMOVE', ready, completed, vm)
return {'applied', ''}
