-- SPDX-License-Identifier: Apache-2.0
-- What a credential may be used for, when, and by how many at once.

CREATE TABLE policies (
	id IDENTITY,
	name TEXT NOT NULL UNIQUE,
	simultaneous_sessions BIGINT NOT NULL,
	simultaneous_viewing BIGINT NOT NULL,
	-- minutes after which what was viewed is out of date; 0: never
	view_expiry BIGINT NOT NULL,
	-- bit 0: Monday
	days BIGINT NOT NULL,
	from_minute BIGINT NOT NULL,
	until_minute BIGINT NOT NULL,
	zone TEXT NOT NULL,
	zone_rule TEXT NOT NULL,
	priority BIGINT NOT NULL,
	-- without any mask only for credentials that name it
	username_mask TEXT NOT NULL,
	device_mask TEXT NOT NULL,
	created_at BIGINT NOT NULL
) BY_ROW;

ALTER TABLE credentials ADD COLUMN policy_id BIGINT REFERENCES policies (id);
-- whose secret this one uses
ALTER TABLE credentials ADD COLUMN parent_id BIGINT REFERENCES credentials (id);
-- which one logs in instead
ALTER TABLE credentials ADD COLUMN login_id BIGINT REFERENCES credentials (id);
-- separated by commas; empty: every one its device speaks
ALTER TABLE credentials ADD COLUMN protocols TEXT NOT NULL DEFAULT '';
CREATE INDEX credentials_by_parent ON credentials (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX credentials_by_login ON credentials (login_id) WHERE login_id IS NOT NULL;

-- -1: as many as the settings say; 0: any number
ALTER TABLE users ADD COLUMN sessions_most BIGINT NOT NULL DEFAULT -1;

-- One at a time, whoever asks and on whichever gateway: two rows cannot be there at once.
ALTER TABLE sessions ADD COLUMN alone BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX sessions_alone ON sessions (credential_id) WHERE alone = 1 AND state < 3;

-- Who holds a secret that was shown, and until when.
CREATE TABLE custody (
	credential_id BIGINT NOT NULL PRIMARY KEY REFERENCES credentials (id),
	authorization_id BIGINT NOT NULL REFERENCES authorizations (id),
	taken_at BIGINT NOT NULL,
	until BIGINT NOT NULL
) BY_ROW;
