-- Adds failures to one dead-letter queue, each once, and keeps the queue within
-- its age and its size.
--
-- KEYS[1]  the queue, a sorted set: <vm>:<epoch>:<JSON>, score = epoch seconds
-- KEYS[2]  the exporters' index of it, a sorted set: <vm>, score = epoch seconds
--          of that VM's newest failure that any exporter wrote or came upon
-- KEYS[3]  the marks of what exporters added to it, a sorted set: <id>:<cutoff>,
--          score = epoch seconds at which it was added
-- ARGV[1]  milliseconds that an entry lives
-- ARGV[2]  milliseconds that a key outlives its newest write beyond that
-- ARGV[3]  most entries of the queue
-- ARGV[4]  most entries, names and marks to drop in one call
-- ARGV[5]  milliseconds that a mark lives
-- ARGV[6]  the fencing token of the lease KEYS[4]; '' and no such key without one
-- and for each failure, oldest first, six more:
--   member; score; vm; cutoff: a failure of this VM at or after it is this one
--   (epoch seconds); seen: this VM's newest failure in the queue as the caller
--   read it, or "-inf"; id: the member's
--
-- Returns {verdicts, evicted, expired, more, now}: a letter for each failure
-- (A added, D duplicate, X too old), the number of entries dropped for the
-- queue's size and for their age, 1 if there are still more of either (call
-- again), and the server's clock in milliseconds.
--
-- Invariants
--   - A refusal changes nothing: types and permissions are tried first, with
--     calls that have no effect. The first of them is one that Redis denies when
--     out of memory: it asks for memory only until a script's first effect.
--   - A VM is in the index before a second caller can ask for it, so that of two
--     exporters one adds a failure and the other finds it.
--   - Nothing that this did not add has a mark.
--   - The index forgets by age only, later than the queue: an entry that was
--     evicted or deleted by hand is not added again.

local queue, index, marks = KEYS[1], KEYS[2], KEYS[3]
local ttl, slack, cap, bound = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local marked = tonumber(ARGV[5])
local FIRST, WIDTH = 7, 6
local NEVER = -math.huge -- not every Lua reads "-inf" as a number

-- Preconditions -----------------------------------------------------------

-- refuse names the key and puts the error's code first. Redis before 7.0 puts the
-- script's name there, and before 7.2 it has no NOPERM for a command in a script.
local function refuse(reply, key)
  local message = reply.err:gsub('^@?user_script:%s*%d+:%s*%-?', ''):gsub('%s+$', '')
  if message:find('executing the script', 1, true) then
    message = 'NOPERM ' .. message:gsub('^%u+ ', '')
  end
  return redis.error_reply(message .. ' (' .. key .. ')')
end

if ARGV[6] ~= '' then
  local held = redis.pcall('GET', KEYS[4])
  if type(held) == 'table' and held.err then return refuse(held, KEYS[4]) end
  if held ~= ARGV[6] then return redis.error_reply('FENCED the lease has passed on (' .. KEYS[4] .. ')') end
end

-- ZADD XX INCR 0 reads a score: it adds nothing that is not there.
for _, key in ipairs({queue, index, marks}) do
  for _, probe in ipairs({{'ZADD', key, 'XX', 'INCR', 0, ''}, {'ZREMRANGEBYRANK', key, 1, 0},
    {'ZREMRANGEBYSCORE', key, 1, 0}, {'ZRANGE', key, 1, 0}, {'ZCARD', key}}) do
    local reply = redis.pcall(unpack(probe))
    if type(reply) == 'table' and reply.err then return refuse(reply, key) end
  end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local oldest = (now - ttl) / 1000 -- what failed before has left

-- A failure older than all of a full queue would be dropped at once.
local size = redis.call('ZCARD', queue)
local floor = oldest
if size >= cap and size > 0 then
  floor = math.max(floor, tonumber(redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2]))
end

local verdicts, fresh, newest = {}, {}, {}
for i = FIRST, #ARGV, WIDTH do
  local score, vm, cutoff, seen = tonumber(ARGV[i + 1]), ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]) or NEVER
  local indexed = newest[vm] or tonumber(redis.call('ZADD', index, 'XX', 'INCR', 0, vm) or NEVER)
  local last = math.max(indexed, seen)
  local verdict = 'A'
  if last >= cutoff then
    verdict = 'D'
  elseif score < floor then
    verdict = 'X'
  else
    last = math.max(last, score)
    fresh[#fresh + 1] = i
  end
  if verdict ~= 'X' and last > indexed then
    newest[vm] = last
  end
  verdicts[#verdicts + 1] = verdict
end

-- The expiry of the keys, the last permission to be tried. It is only ever set
-- together with an entry.
if #fresh > 0 then
  for _, life in ipairs({{index, ttl + slack}, {queue, ttl + slack}, {marks, marked}}) do
    local reply = redis.pcall('PEXPIRE', unpack(life))
    if type(reply) == 'table' then return refuse(reply, life[1]) end
  end
end

-- Effects -----------------------------------------------------------------

local stamp, added, indexing = string.format('%.3f', now / 1000), {}, {}
for _, i in ipairs(fresh) do
  if redis.call('ZADD', queue, 'NX', ARGV[i + 1], ARGV[i]) == 0 then
    verdicts[(i - FIRST) / WIDTH + 1] = 'D' -- the very same member: vmpooler's, written since the caller read
  else
    added[#added + 1] = stamp
    added[#added + 1] = ARGV[i + 5] .. ':' .. ARGV[i + 3]
  end
end
for vm, at in pairs(newest) do
  indexing[#indexing + 1] = string.format('%.17g', at)
  indexing[#indexing + 1] = vm
end
if #added > 0 then redis.call('ZADD', marks, unpack(added)) end
if #indexing > 0 then redis.call('ZADD', index, unpack(indexing)) end

-- drop removes what scores below a limit, at most `bound` of it.
local function drop(key, limit)
  local last = redis.call('ZRANGE', key, bound, bound, 'WITHSCORES')[2]
  if last and tonumber(last) < limit then
    return redis.call('ZREMRANGEBYRANK', key, 0, bound - 1), 1
  end
  return redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. string.format('%.17g', limit)), 0
end

local expired, more = drop(queue, oldest)
local _, stale = drop(index, oldest - slack / 1000)
local _, faded = drop(marks, (now - marked) / 1000)
more = math.max(more, stale, faded)

local evicted = 0
local excess = redis.call('ZCARD', queue) - cap
if excess > 0 then
  evicted = redis.call('ZREMRANGEBYRANK', queue, 0, math.min(excess, bound) - 1)
  if excess > bound then more = 1 end
end

if #fresh > 0 then
  redis.call('PEXPIRE', queue, ttl + slack)
  redis.call('PEXPIRE', index, ttl + slack)
  redis.call('PEXPIRE', marks, marked)
end
return {table.concat(verdicts), evicted, expired, more, now}
