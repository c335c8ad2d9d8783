-- Gives metadata that nothing will ever remove a TTL, once. It looks twice, some
-- seconds apart: a VM that is moved by two commands is in no queue between them, for
-- a moment (SPOP and SADD at the checkout of an older vmpooler, SREM and SADD at
-- its return), and a resized pool's VMs are in none until vmpooler finds them.
--
-- KEYS[2]  the lease
-- ARGV[10] seconds that the hash still lives
-- ARGV[11] '' for the first look, later what that returned
-- ARGV[12] seconds that must lie between the two
-- The others, and what is returned: see prelude.lua; and
--   seen     the first look found an orphan, and has written nothing (what the second
--            must be given)

local hash = KEYS[1]

local refusal = fenced() or types({{hash, 'hash'}}) or try({{'PTTL', hash}})
if refusal then return refusal end
local ttl = redis.call('PTTL', hash)
if ttl == -2 then return {'gone', ''} end
if ttl ~= -1 then return {'expiring', tostring(ttl)} end
refusal = evidence(hash)
if refusal then return refusal end
if not redis.call('HGET', hash, 'pool') then return {'life', 'pool'} end
refusal = elsewhere('') or try({{'EXPIRE', hash .. NOTHING, 1}})
if refusal then return refusal end

-- A VM that was on its way at both looks has come through a queue in between, and
-- that leaves a trace in the hash.
local trace = {}
for i, field in ipairs({'ready', 'checkout', 'destroy', 'check'}) do
  trace[i] = redis.call('HGET', hash, field) or ''
end
trace = table.concat(trace, '|')
if ARGV[11] == '' then
  local clock = redis.call('TIME')
  return {'seen', clock[1] .. string.format('.%06d|', tonumber(clock[2])) .. trace}
end
local since, before = ARGV[11]:match('^([%d.]+)|(.*)$')
if before ~= trace then return {'changed', 'since the first look'} end
if not older(since, ARGV[12]) then return {'young', ''} end

redis.call('EXPIRE', hash, ARGV[10])
return {'applied', ''}
