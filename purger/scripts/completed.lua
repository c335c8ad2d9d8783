-- Takes VMs out of completed.
--
-- KEYS[1]  the pool's completed
-- The others, and what is returned: see prelude.lua.

local completed = KEYS[1]

return each(0, 0, completed, function(v)
  local refusal = types({{v.hash, 'hash'}, {completed, 'set'}}) or try({{'SISMEMBER', completed, v.vm}})
  if refusal then return refusal end
  if redis.call('SISMEMBER', completed, v.vm) == 0 then return {'gone', ''} end
  refusal = evidence(v) or v.elsewhere or try({{'SREM', completed, NOTHING}})
  if refusal then return refusal end

  redis.call('SREM', completed, v.vm)
  return {'applied', ''}
end)
