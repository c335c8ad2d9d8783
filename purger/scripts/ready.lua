-- Moves VMs from ready to completed, where vmpooler destroys them.
--
-- KEYS[1]  the pool's ready, KEYS[2] the pool's completed
-- The others, and what is returned: see prelude.lua.

local ready, completed = KEYS[1], KEYS[2]

return each(0, 0, ready, function(v)
  local refusal = types({{v.hash, 'hash'}, {ready, 'set'}, {completed, 'set'}}) or try({{'SISMEMBER', ready, v.vm}})
  if refusal then return refusal end
  if redis.call('SISMEMBER', ready, v.vm) == 0 then return {'gone', ''} end
  refusal = evidence(v) or taken(v) or v.elsewhere
  if refusal then return refusal end
  -- Redis asks no memory for SMOVE: it is never out of memory here.
  refusal = try({{'SMOVE', ready, completed, NOTHING}})
  if refusal then return refusal end

  redis.call('SMOVE', ready, completed, v.vm)
  return {'applied', ''}
end)
