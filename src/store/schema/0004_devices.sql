-- SPDX-License-Identifier: Apache-2.0
-- What the API says of a device, and the domains that devices and credentials may name.
ALTER TABLE devices ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN vendor TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN tags TEXT NOT NULL DEFAULT '';
-- how to log in where the driver needs to be told: PROTOCOL:EXPECT:FILL
ALTER TABLE devices ADD COLUMN session_remote_config TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN owner_authorization BIGINT REFERENCES authorizations (id);
UPDATE devices SET changed_at = created_at;
CREATE INDEX sessions_open_by_device ON sessions (device_id) WHERE state < 3;

ALTER TABLE users ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
UPDATE users SET changed_at = created_at;

CREATE TABLE domains (
	id IDENTITY,
	name TEXT NOT NULL,
	-- in lower case: names of domains have no letter case
	name_key TEXT NOT NULL UNIQUE,
	created_at BIGINT NOT NULL
) BY_ROW;
INSERT INTO domains (name, name_key, created_at)
	SELECT min(domain), lower(domain), 0 FROM devices WHERE domain <> '' GROUP BY lower(domain);
