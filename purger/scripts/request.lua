-- Lets an on-demand request fail that waits for ever. Its VMs stay.
--
-- KEYS[1]  the request's hash
-- KEYS[2]  requests that wait, a sorted set: id
-- KEYS[3]  requests that are worked on, a sorted set: id
-- KEYS[4]  clones that wait, a sorted set: <alias>:<pool>:<count>:<id>
-- ARGV[2]  the request's id
-- ARGV[3]  its status when the plan was made, '' if it had none
-- ARGV[4]  its score then, in epoch seconds; ARGV[5] the seconds to be exceeded
-- ARGV[6]  what failure_reason is to be
-- ARGV[7]  seconds that the hash still lives
-- The lease, and what is returned: see prelude.lua.

local hash, waiting, processing, creating, id = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[2]

local refusal = fenced() or types({{hash, 'hash'}, {waiting, 'zset'}, {processing, 'zset'}, {creating, 'zset'}}) or
  try({{'HGET', hash, 'status'}, {'PTTL', hash}, {'ZSCORE', waiting, id}, {'ZSCORE', processing, id}, {'ZRANGE', creating, 1, 0}})
if refusal then return refusal end
local clock = redis.pcall('TIME')
if clock.err then return refuse(clock, hash) end
if not redis.call('HGET', hash, 'requested') then return {'gone', ''} end
local status = redis.call('HGET', hash, 'status') or ''
if status ~= ARGV[3] then return {'queued', status} end
local score = redis.call('ZSCORE', waiting, id) or redis.call('ZSCORE', processing, id)
if not score then return {'queued', 'in no queue'} end
-- The score is when it was asked for, perhaps with a fraction; the plan has seconds.
if math.floor(tonumber(score)) ~= tonumber(ARGV[4]) then return {'queued', 'asked for anew'} end
if not older(score, ARGV[5]) then return {'young', ''} end

local tasks, suffix = {}, ':' .. id
for _, task in ipairs(redis.call('ZRANGE', creating, 0, -1)) do
  if task:sub(-#suffix) == suffix then tasks[#tasks + 1] = task end
end
-- HSET has no call without an effect; HSETNX has, on a field that is there.
local probes = {{'HSETNX', hash, 'requested', NOTHING}, {'HDEL', hash, NOTHING}, {'EXPIRE', hash .. NOTHING, 1}}
for i = 2, 4 do
  probes[#probes + 1] = {'ZREM', KEYS[i], NOTHING}
end
refusal = try(probes)
if refusal then return refusal end

redis.call('HDEL', hash, 'status', 'failure_reason')
redis.call('HSETNX', hash, 'status', 'failed')
redis.call('HSETNX', hash, 'failure_reason', ARGV[6])
redis.call('ZREM', waiting, id)
redis.call('ZREM', processing, id)
for _, task in ipairs(tasks) do
  redis.call('ZREM', creating, task)
end
if redis.call('PTTL', hash) == -1 then
  redis.call('EXPIRE', hash, ARGV[7])
end
return {'applied', ''}
