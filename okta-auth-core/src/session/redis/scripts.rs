//! Lua scripts for the operations that must be atomic.
//!
//! Each script uses one key. It is sent with each call, 100 to 400 bytes: the server caches the compiled script by its
//! hash, and nothing has to be loaded again after a restart or on another node. Versions and numbers are compared as
//! text of fixed length.

/// Writes a record (2nd argument) with a TTL in milliseconds (3rd) if the stored version is the 1st argument.
pub(super) const SAVE: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// Adds a link (1st argument) with a TTL in milliseconds (2nd), and deletes expired links. The set lives as long as its
/// longest link. The server's clock counts.
pub(super) const LINK: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1";

/// Returns the unexpired links.
pub(super) const LINKED: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')";

/// Sets a mark for an owner (1st argument) with a TTL in milliseconds (2nd) unless another owner holds it.
pub(super) const CLAIM: &str = "\
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Deletes a mark if the owner (1st argument) holds it.
pub(super) const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// Sets a mark to the maximum of its value and the 1st argument. Its TTL becomes the maximum of the remaining one and
/// the 2nd argument, in milliseconds.
pub(super) const RAISE: &str = "\
local value = redis.call('GET', KEYS[1])
if not value or value < ARGV[1] then value = ARGV[1] end
local lifetime = redis.call('PTTL', KEYS[1])
if lifetime < tonumber(ARGV[2]) then lifetime = ARGV[2] end
redis.call('SET', KEYS[1], value, 'PX', lifetime)
return 1";
