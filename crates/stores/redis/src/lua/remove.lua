#!lua flags=allow-oom
-- Removes a record by its revision.
-- KEYS: record, changes. ARGV: expected revision, name, length of changes.
-- Answers 1 if it did, 0 if there is another one, -1 if there is none.
local revision = redis.call('HGET', KEYS[1], 'revision')
if not revision then
  return -1
end
if revision ~= ARGV[1] then
  return 0
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'name', ARGV[2])
redis.call('DEL', KEYS[1])
return 1
