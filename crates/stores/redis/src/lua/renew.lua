#!lua flags=allow-oom
-- Lengthens the lease of a lock that nobody has taken since.
-- KEYS: lock. ARGV: token, lease and afterlife in milliseconds.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local millis = math.floor(tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', millis + tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + tonumber(ARGV[3]))
return 1
