#!lua
-- Takes a lock for a lease, unless somebody else holds it.
-- KEYS: lock. ARGV: token, lease and afterlife in milliseconds, holder, token that its owner has dropped.
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local millis = math.floor(micros / 1000)
local there = redis.call('HMGET', KEYS[1], 'token', 'until', 'fence', 'holder')
local held = there[1] and there[1] ~= ARGV[5] and tonumber(there[2]) > millis
if held and there[1] ~= ARGV[1] then
  return {0, tonumber(there[2]) - millis, there[4]}
end
local fence = there[3]
-- The same token again is another try of one taking whose answer was lost.
if not held then
  fence = string.format('%.0f', math.max(micros, (tonumber(fence) or 0) + 1))
end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'fence', fence, 'holder', ARGV[4],
  'until', string.format('%.0f', millis + tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + tonumber(ARGV[3]))
return {1, fence}
