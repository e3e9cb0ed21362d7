-- SPDX-License-Identifier: Apache-2.0
-- Said at the start of a connection that only looks: nothing it reads may make it write or call.
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA query_only = ON;
