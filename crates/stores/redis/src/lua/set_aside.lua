#!lua flags=allow-oom
-- Moves a record to another name by its revision, which is part of that name.
-- KEYS: record, place aside, changes. ARGV: expected revision, name, length of changes.
if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[1] then
  return -redis.call('EXISTS', KEYS[2])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'name', ARGV[2])
redis.call('RENAME', KEYS[1], KEYS[2])
return 1
