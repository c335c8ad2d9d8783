-- Appends to the audit stream.
--
-- KEYS[1]  the stream; the lease is the last key
-- ARGV[2]  about how many entries it keeps
-- ARGV[3…] entries, JSON
--
-- Returns how many were appended.

local refusal = fenced()
if refusal then return refusal end
for i = 3, #ARGV do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'entry', ARGV[i])
end
return #ARGV - 2
