#!lua
-- Writes a record if it still has the expected revision and no other lock was taken since.
-- KEYS: record, lock, highest revision, changes.
-- ARGV: expected revision, fencing number or nothing, bytes, mark of this write, name, length of changes.
local there = redis.call('HMGET', KEYS[1], 'revision', 'mark', 'bytes')
if not there[1] and redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.error_reply('FOREIGN there is something else under the name of a record')
end
-- Another try of a write whose answer was lost.
if there[2] == ARGV[4] then
  return {1, there[1]}
end
local outdated = ARGV[2] ~= '' and redis.call('HGET', KEYS[2], 'fence') ~= ARGV[2]
if (there[1] or '0') ~= ARGV[1] or outdated then
  return {0, there[1], there[3]}
end
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local highest = math.max(tonumber(redis.call('GET', KEYS[3])) or 0, tonumber(there[1]) or 0)
local revision = string.format('%.0f', math.max(micros, highest + 1))
-- The record last: what fails before it leaves a hint for nothing and no half of a write.
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'name', ARGV[5])
redis.call('SET', KEYS[3], revision)
redis.call('HSET', KEYS[1], 'revision', revision, 'mark', ARGV[4], 'bytes', ARGV[3])
return {1, revision}
