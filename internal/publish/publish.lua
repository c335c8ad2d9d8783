-- Publishes vmpooler's health, all of it at once.
--
-- KEYS[1]  vmpooler__health, a hash
-- KEYS[2]  the lease of the exporter that writes
-- ARGV[1]  its fencing token
-- ARGV[2]  metrics, ARGV[3] status, ARGV[4] last_check
-- ARGV[5]  seconds that it lives
--
-- Returns 1; or an error, and nothing has changed: FENCED if the lease has passed
-- on, Redis' own with the key added.
local function refuse(reply, key)
  local message = reply.err:gsub('^@?user_script:%s*%d+:%s*%-?', ''):gsub('%s+$', '')
  if message:find('executing the script', 1, true) then
    message = 'NOPERM ' .. message:gsub('^%u+ ', '')
  end
  return redis.error_reply(message .. ' (' .. key .. ')')
end

local held = redis.pcall('GET', KEYS[2])
if type(held) == 'table' and held.err then return refuse(held, KEYS[2]) end
if held ~= ARGV[1] then return redis.error_reply('FENCED the lease has passed on (' .. KEYS[2] .. ')') end

-- The expiry of a key that is not there is tried first: it is the one permission
-- that HSET does not try itself.
local key = KEYS[1]
for _, call in ipairs({{'EXPIRE', key .. '__nothing', 1}, {'HSET', key, 'metrics', ARGV[2], 'status', ARGV[3], 'last_check', ARGV[4]}}) do
  local reply = redis.pcall(unpack(call))
  if type(reply) == 'table' and reply.err then return refuse(reply, key) end
end
redis.call('EXPIRE', key, ARGV[5])
return 1
