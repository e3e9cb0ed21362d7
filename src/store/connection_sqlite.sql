-- SPDX-License-Identifier: Apache-2.0
-- Said at the start of every SQLite connection. WAL with a full sync is the only pairing that lost
-- no acknowledged row in our power-cut runs. The rest keeps SQLite inside its one directory and
-- away from what a damaged or planted file could make it do.
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA foreign_keys = ON;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 0; -- checkpointer.c
PRAGMA cache_size = -32768;
