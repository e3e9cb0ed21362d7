-- SPDX-License-Identifier: Apache-2.0
-- Said at the start of the connection that carries the log over into the database. Pages go from
-- the one file to the other without a cache.
PRAGMA trusted_schema = OFF;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 0;
PRAGMA cache_size = -64;
