-- What every script of the purge begins with: the lease, and the checks.
--
-- KEYS[#KEYS]  the lease of the purge, a string
-- ARGV[1]      its fencing token
--
-- The scripts for VMs share these:
-- KEYS[1]  the VM's hash
-- ARGV[2]  the VM
-- ARGV[3]  the field that is the evidence, ARGV[4] its text ('': it is missing),
--          ARGV[5] the text of the field clone ('': it is missing)
-- ARGV[6]  since when, in epoch seconds, ARGV[7] the seconds to be exceeded; both
--          count only if ARGV[6] is not ''
-- ARGV[8]  the pool, ARGV[9] more pools than vmpooler__pools has, one a line
--
-- A script returns {code, detail}: 'applied', or what has changed since the plan
-- was made, and then nothing was written:
--   type       a key is of another type (the key)
--   gone       the entry is not where it was
--   changed    a field is not what the plan saw (its name)
--   life       the name belongs to another VM by now (the field that tells)
--   young      by the server's clock it is not old enough
--   user       the VM is with a user, or just on its way to one
--   expiring   the hash has a TTL (its milliseconds)
--   elsewhere  the VM is in another queue (the key)
--   queued     the request's status or place has changed
-- or it returns an error, and then nothing was written either: Redis' own, with the
-- key added, or FENCED if the lease has passed on.
--
-- Invariants of all of them
--   - All that could refuse is asked before the first effect, permissions and
--     memory with calls that have none. The first of these is one that Redis
--     denies when out of memory, where the script has one: it asks for memory only
--     until a script's first effect.
--   - No command that writes is given a key of the queues running, discovered or
--     migrating; a VM that is in one of these is left alone.
--   - A TTL is only ever set where there is none.
--   - Of a hash no field is read but those that are named here: one is a user's
--     token.

local NOTHING = '__vmpooler_exporter_nothing' -- no VM, field or key has this name
local PREFIX = 'vmpooler__'
local QUEUES = {'running__', 'pending__', 'ready__', 'completed__'}
local SELDOM = {'migrating__', 'discovered__'} -- queues that are empty most of the time

-- refuse names the key and puts the error's code first. Redis before 7.0 puts the
-- script's name there, and before 7.2 it has no NOPERM for a command in a script.
local function refuse(reply, key)
  local message = reply.err:gsub('^@?user_script:%s*%d+:%s*%-?', ''):gsub('%s+$', '')
  if message:find('executing the script', 1, true) then
    message = 'NOPERM ' .. message:gsub('^%u+ ', '')
  end
  return redis.error_reply(message .. ' (' .. key .. ')')
end

local function failed(reply) return type(reply) == 'table' and reply.err end

-- try returns the first refusal of these calls, whose second word is the key.
local function try(calls)
  for _, call in ipairs(calls) do
    local reply = redis.pcall(unpack(call))
    if failed(reply) then return refuse(reply, call[2]) end
  end
end

-- fenced returns an error unless the lease is the caller's.
local function fenced()
  local key = KEYS[#KEYS]
  local held = redis.pcall('GET', key)
  if failed(held) then return refuse(held, key) end
  if held ~= ARGV[1] then return redis.error_reply('FENCED the lease has passed on (' .. key .. ')') end
end

-- types returns {'type', key} for the first of these {key, type} that has another.
local function types(expected)
  for _, want in ipairs(expected) do
    local kind = redis.pcall('TYPE', want[1])
    if kind.err then return refuse(kind, want[1]) end
    if kind.ok ~= 'none' and kind.ok ~= want[2] then return {'type', want[1]} end
  end
end

-- older says whether it is more than so many seconds ago, by the server's clock,
-- which the script has a permission to ask.
local function older(since, seconds)
  local clock = redis.call('TIME')
  return clock[1] + clock[2] / 1e6 - tonumber(since) > tonumber(seconds)
end

-- evidence checks that the hash is that of the plan's VM, says what it said, and is
-- old enough. Where two VMs of one name share a hash, the field pool names the one
-- that was cloned last.
local function evidence(hash)
  local refusal = try({{'HGET', hash, 'clone'}})
  if refusal then return refusal end
  local clock = redis.pcall('TIME')
  if clock.err then return refuse(clock, hash) end
  if (redis.call('HGET', hash, ARGV[3]) or '') ~= ARGV[4] then return {'changed', ARGV[3]} end
  if (redis.call('HGET', hash, 'clone') or '') ~= ARGV[5] then return {'life', 'clone'} end
  if (redis.call('HGET', hash, 'pool') or ARGV[8]) ~= ARGV[8] then return {'life', 'pool'} end
  if ARGV[6] ~= '' and not older(ARGV[6], ARGV[7]) then return {'young', ''} end
end

-- taken says whether the VM is a user's, or becomes one this very moment: vmpooler
-- notes the checkout of a VM that was made for a request before it takes it out of
-- pending, and would not notice that it is not there any more.
local function taken(hash)
  if redis.call('HGET', hash, 'checkout') then return {'user', ''} end
end

-- has returns {'elsewhere', key} if the VM is in that queue. A key of another type
-- has no VMs; one that can't be read may have any.
local function has(key, vm)
  local is = redis.pcall('SISMEMBER', key, vm)
  if is == 1 then return {'elsewhere', key} end
  if is ~= 0 and not is.err:find('WRONGTYPE', 1, true) then return refuse(is, key) end
end

-- elsewhere returns {'elsewhere', key} for the first queue but that one that has
-- the VM. The pools are its own, those of Redis and those that the caller knows.
local function elsewhere(but)
  local vm, seen, pools = ARGV[2], {[ARGV[8]] = true}, {ARGV[8]}
  local listed = redis.pcall('SMEMBERS', PREFIX .. 'pools')
  if listed.err then return refuse(listed, PREFIX .. 'pools') end
  for pool in ARGV[9]:gmatch('[^\n]+') do listed[#listed + 1] = pool end
  for i = 1, #listed do
    local pool = listed[i]
    if not seen[pool] then
      seen[pool] = true
      pools[#pools + 1] = pool
    end
  end
  local pcall = redis.pcall -- these calls are most of what an action costs
  for i = 1, #pools do
    for q = 1, #QUEUES do
      local key = PREFIX .. QUEUES[q] .. pools[i]
      local is = pcall('SISMEMBER', key, vm)
      if is ~= 0 and key ~= but then
        local found = has(key, vm)
        if found then return found end
      end
    end
  end
  -- One call for as many keys as Lua can hand over at once, where none is there.
  for q = 1, #SELDOM do
    for from = 1, #pools, 1000 do
      local keys = {}
      for i = from, math.min(from + 999, #pools) do keys[#keys + 1] = PREFIX .. SELDOM[q] .. pools[i] end
      local there = redis.pcall('EXISTS', unpack(keys))
      if failed(there) then return refuse(there, keys[1]) end
      for i = 1, there > 0 and #keys or 0 do
        local found = has(keys[i], vm)
        if found then return found end
      end
    end
  end
end
