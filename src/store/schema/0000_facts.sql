-- SPDX-License-Identifier: Apache-2.0
-- Where the number of the schema itself is kept. Runs at every start, before the migrations.
CREATE TABLE IF NOT EXISTS facts (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) BY_KEY;
