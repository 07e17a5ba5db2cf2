#!lua flags=allow-oom
-- Lets a lock go, if it is still held with this token. Its fencing number stays for a while.
-- KEYS: lock. ARGV: token, afterlife in milliseconds.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
redis.call('HDEL', KEYS[1], 'token', 'until', 'holder')
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]))
return 1
