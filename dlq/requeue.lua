-- Puts an on-demand request that failed back into vmpooler's queue, under its
-- own id; or says why not, and changes nothing.
--
-- KEYS[1]  the request's hash
-- KEYS[2]  requests that wait for vmpooler's manager, a sorted set: id
-- KEYS[3]  requests that it is working on, a sorted set: id
-- KEYS[4]  clones that wait for their turn, a sorted set:
--          <alias>:<pool>:<count>:<request id>
-- and for each part of the request three sets of VMs:
--   those given to it; the pool's running ones (only read), and its pending
-- and last, if ARGV[7] is not '', the lease, a string
-- ARGV[1]  the request's id
-- ARGV[2]  the field `requested` that KEYS[5] and on were derived from; no such
--          keys where it can't be read
-- ARGV[3]  how often a request may be put back
-- ARGV[4]  what `requeued_at` is to be
-- ARGV[5]  what the names of VMs' hashes begin with
-- ARGV[6]  "1" for a dry run: all is checked, nothing is written
-- ARGV[7]  the lease's fencing token; '' for one who needs no lease
--
-- Returns {code, detail, requeues}: how often the request was put back, this time
-- included if it is; and the first of these codes that holds, the detail in
-- parentheses:
--   type        a key is of another type (the key)
--   gone        there is no hash
--   malformed   a field can't be read (its name)
--   changed     `requested` is not ARGV[2]
--   status      it has not failed (its status)
--   queued      it waits for the manager already
--   processing  vmpooler still works on it
--   task        a clone for it waits (the task)
--   running     a VM that was given to it still runs (the VM)
--   pending     a VM is being made for it (the VM)
--   limit       it was put back as often as it may be
--   ok          it is put back; in a dry run: it would be
-- or FENCED, an error, if the lease has passed on: nothing is written either.
--
-- Invariants
--   - A refusal, Redis's own too, changes nothing: permissions and memory are
--     tried first, with calls that have no effect. Fields are written with HDEL
--     and HSETNX because HSET has no such call.
--   - No other field of the hash is read: one is a user's token.

local hash, queue, processing, tasks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, requested, most, stamp, vm_prefix, dry = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6] == '1'
local FIRST, WIDTH = 5, 3
local LAST = ARGV[7] == '' and #KEYS or #KEYS - 1
local NOTHING = '__vmpooler_exporter_nothing' -- no field, member or request has this name

-- Preconditions -----------------------------------------------------------

-- refuse names the key and puts the error's code first, see add.lua.
local function refuse(reply, key)
  local message = reply.err:gsub('^@?user_script:%s*%d+:%s*%-?', ''):gsub('%s+$', '')
  if message:find('executing the script', 1, true) then
    message = 'NOPERM ' .. message:gsub('^%u+ ', '')
  end
  return redis.error_reply(message .. ' (' .. key .. ')')
end

-- try returns the first refusal of these calls, whose second word is the key.
local function try(calls)
  for _, call in ipairs(calls) do
    local reply = redis.pcall(unpack(call))
    if type(reply) == 'table' and reply.err then return refuse(reply, call[2]) end
  end
end

if ARGV[7] ~= '' then
  local refusal = try({{'GET', KEYS[#KEYS]}})
  if refusal then return refusal end
  if redis.call('GET', KEYS[#KEYS]) ~= ARGV[7] then
    return redis.error_reply('FENCED the lease has passed on (' .. KEYS[#KEYS] .. ')')
  end
end

for i = 1, LAST do
  local key, want = KEYS[i], 'set'
  if i == 1 then want = 'hash' elseif i < FIRST then want = 'zset' end
  local kind = redis.pcall('TYPE', key)
  if kind.err then return refuse(kind, key) end
  if kind.ok ~= 'none' and kind.ok ~= want then return {'type', key, 0} end
end

local reads = {{'HGET', hash, 'status'}, {'ZSCORE', queue, id}, {'ZSCORE', processing, id}, {'ZRANGE', tasks, 1, 0}}
for i = FIRST, LAST, WIDTH do
  reads[#reads + 1] = {'SMEMBERS', KEYS[i]}
  reads[#reads + 1] = {'SISMEMBER', KEYS[i + 1], NOTHING}
  reads[#reads + 1] = {'SMEMBERS', KEYS[i + 2]}
end
local refusal = try(reads)
if refusal then return refusal end

local status = redis.call('HGET', hash, 'status')
local is_requested = redis.call('HGET', hash, 'requested')
local requeues = redis.call('HGET', hash, 'requeued') or '0'

if redis.call('TYPE', hash).ok == 'none' then return {'gone', '', 0} end
if not requeues:match('^%d+$') then return {'malformed', 'requeued', 0} end
requeues = tonumber(requeues)
if is_requested and is_requested ~= requested then return {'changed', '', requeues} end
if not is_requested or LAST < FIRST then return {'malformed', 'requested', requeues} end
if status ~= 'failed' then return {'status', status or '', requeues} end
if redis.call('ZSCORE', queue, id) then return {'queued', '', requeues} end
if redis.call('ZSCORE', processing, id) then return {'processing', '', requeues} end

local suffix = ':' .. id
for _, task in ipairs(redis.call('ZRANGE', tasks, 0, -1)) do
  if task:sub(-#suffix) == suffix then return {'task', task, requeues} end
end

local given = {}
for i = FIRST, LAST, WIDTH do
  given[i] = redis.call('SMEMBERS', KEYS[i])
  for _, vm in ipairs(given[i]) do
    if redis.call('SISMEMBER', KEYS[i + 1], vm) == 1 then return {'running', vm, requeues} end
  end
  -- A VM that was begun for the first attempt would be given to the second as
  -- well, and be one too many: vmpooler waits for the exact number.
  for _, vm in ipairs(redis.call('SMEMBERS', KEYS[i + 2])) do
    local request = redis.pcall('HGET', vm_prefix .. vm, 'request_id')
    if type(request) == 'table' then return refuse(request, vm_prefix .. vm) end
    if request == id then return {'pending', vm, requeues} end
  end
end

if requeues >= most then return {'limit', '', requeues} end

-- The first is one that Redis denies when out of memory: it asks for memory only
-- until a script's first effect.
local writes = {
  {'ZADD', queue, 'XX', 'INCR', 0, NOTHING}, {'HSETNX', hash, 'status', NOTHING},
  {'HDEL', hash, NOTHING}, {'PERSIST', hash .. NOTHING},
}
for i = FIRST, LAST, WIDTH do
  writes[#writes + 1] = {'SREM', KEYS[i], NOTHING}
end
local clock = redis.pcall('TIME')
if clock.err then return refuse(clock, hash) end
refusal = try(writes)
if refusal then return refusal end

requeues = requeues + 1
if dry then return {'ok', '', requeues} end

-- Effects -----------------------------------------------------------------

redis.call('PERSIST', hash)
redis.call('HDEL', hash, 'status', 'retry_count', 'failure_reason', 'requeued', 'requeued_at')
redis.call('HSETNX', hash, 'status', 'pending')
redis.call('HSETNX', hash, 'retry_count', '0')
redis.call('HSETNX', hash, 'requeued', string.format('%d', requeues))
redis.call('HSETNX', hash, 'requeued_at', stamp)

for i = FIRST, LAST, WIDTH do
  for _, vm in ipairs(given[i]) do
    redis.call('SREM', KEYS[i], vm)
  end
end
redis.call('ZADD', queue, clock[1], id)
return {'ok', '', requeues}
