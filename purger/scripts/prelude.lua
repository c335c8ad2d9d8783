-- What every script of the purge begins with: the lease, and the checks.
--
-- KEYS[#KEYS]  the lease of the purge, a string
-- ARGV[1]      its fencing token
--
-- The scripts for VMs take some of one pool at once: that they are in no other queue
-- is most of what they ask, and as dear for one as for a few. Each VM is judged by
-- itself.
-- KEYS[1…]     keys of the pool, see there; then the VMs' hashes; then the lease
-- ARGV[2]      how many VMs
-- ARGV[3]      the pool, ARGV[4] more pools than vmpooler__pools has, one a line
-- ARGV[5]      seconds to be exceeded
-- ARGV[6…]     what the VMs share, see there; then for each VM its name, the field
--              that is the evidence, its text ('': it is missing), the text of the
--              field clone ('': it is missing), since when, in epoch seconds ('':
--              its age does not count), and its own, see there
--
-- A script returns a code and a detail, for each VM: 'applied', or what has changed
-- since the plan was made, and then nothing was written for it:
--   type       a key is of another type (the key)
--   gone       the entry is not where it was
--   changed    a field is not what the plan saw (its name)
--   life       the name belongs to another VM by now (the field that tells)
--   young      by the server's clock it is not old enough
--   user       the VM is with a user, or just on its way to one
--   expiring   the hash has a TTL (its milliseconds)
--   elsewhere  the VM is in another queue (the key)
--   queued     the request's status or place has changed
--   refused    Redis' own error, with the key added
-- The script for requests takes one, and returns such an error as one. All return
-- an error, and nothing was written, if the lease has passed on: FENCED.
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
local function evidence(v)
  local refusal = try({{'HGET', v.hash, 'clone'}})
  if refusal then return refusal end
  local clock = redis.pcall('TIME')
  if clock.err then return refuse(clock, v.hash) end
  if (redis.call('HGET', v.hash, v.field) or '') ~= v.text then return {'changed', v.field} end
  if (redis.call('HGET', v.hash, 'clone') or '') ~= v.clone then return {'life', 'clone'} end
  if (redis.call('HGET', v.hash, 'pool') or ARGV[3]) ~= ARGV[3] then return {'life', 'pool'} end
  if v.since ~= '' and not older(v.since, ARGV[5]) then return {'young', ''} end
end

-- taken says whether the VM is a user's, or becomes one this very moment: vmpooler
-- notes the checkout of a VM that was made for a request before it takes it out of
-- pending, and would not notice that it is not there any more.
local function taken(v)
  if redis.call('HGET', v.hash, 'checkout') then return {'user', ''} end
end

-- allPools are the VMs' own pool, those of Redis and those that the caller knows.
local function allPools()
  local listed = redis.pcall('SMEMBERS', PREFIX .. 'pools')
  if listed.err then return nil, refuse(listed, PREFIX .. 'pools') end
  for pool in ARGV[4]:gmatch('[^\n]+') do listed[#listed + 1] = pool end
  local pools, seen = {ARGV[3]}, {[ARGV[3]] = true}
  for i = 1, #listed do
    local pool = listed[i]
    if not seen[pool] then
      seen[pool] = true
      pools[#pools + 1] = pool
    end
  end
  return pools
end

-- elsewhere sets elsewhere of each VM: {'elsewhere', key} for the first queue but that
-- one that has it, or an error. A key of another type has no VMs; one that can't be
-- read may have any. Nothing that a script writes for one VM changes it for another.
local function elsewhere(vms, but)
  local names = {}
  for i, v in ipairs(vms) do names[i] = v.vm end
  local function unknown(refusal)
    for _, v in ipairs(vms) do v.elsewhere = v.elsewhere or refusal end
  end
  local function look(key)
    local is = redis.pcall('SMISMEMBER', key, unpack(names))
    if is.err then
      if not is.err:find('WRONGTYPE', 1, true) then unknown(refuse(is, key)) end
      return
    end
    for i, v in ipairs(vms) do
      if is[i] == 1 then v.elsewhere = v.elsewhere or {'elsewhere', key} end
    end
  end

  local pools, refusal = allPools()
  if refusal then return unknown(refusal) end
  for i = 1, #pools do
    for q = 1, #QUEUES do
      local key = PREFIX .. QUEUES[q] .. pools[i]
      if key ~= but then look(key) end
    end
  end
  -- One call for as many keys as Lua can hand over at once, where none is there.
  for q = 1, #SELDOM do
    for from = 1, #pools, 1000 do
      local keys = {}
      for i = from, math.min(from + 999, #pools) do keys[#keys + 1] = PREFIX .. SELDOM[q] .. pools[i] end
      local there = redis.pcall('EXISTS', unpack(keys))
      if failed(there) then return unknown(refuse(there, keys[1])) end
      for i = 1, there > 0 and #keys or 0 do look(keys[i]) end
    end
  end
end

-- each judges every VM, and returns what became of them. shared and own are how many
-- words the VMs share, and each has to itself; but is the queue that they are to be
-- in, if any.
local function each(shared, own, but, judge)
  local refusal = fenced()
  if refusal then return refusal end
  local n, vms = tonumber(ARGV[2]), {}
  for i = 1, n do
    local at = 5 + shared + (i - 1) * (5 + own)
    vms[i] = {
      hash = KEYS[#KEYS - 1 - n + i],
      vm = ARGV[at + 1], field = ARGV[at + 2], text = ARGV[at + 3], clone = ARGV[at + 4], since = ARGV[at + 5],
      own = {ARGV[at + 6], ARGV[at + 7]},
    }
  end
  elsewhere(vms, but)
  local outcomes = {}
  for i, v in ipairs(vms) do
    local outcome = judge(v)
    if failed(outcome) then outcome = {'refused', (outcome.err:gsub('^%-', ''))} end
    outcomes[2 * i - 1], outcomes[2 * i] = outcome[1], outcome[2]
  end
  return outcomes
end
