-- SPDX-License-Identifier: Apache-2.0
-- One text for every database. Words in capitals that are not SQL are the dialect's (dialect tables
-- in the backends): IDENTITY numbers rows from 1, BYTES holds bytes, BY_ROW and BY_KEY say how a
-- table is kept. Times are milliseconds since 1970; 0 is "never" or "not yet". Nothing is NULL but
-- what points to no row, and secrets that are not there yet.

CREATE TABLE users (
	id IDENTITY,
	login TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	disabled_at BIGINT NOT NULL DEFAULT 0,
	blocked_by TEXT NOT NULL DEFAULT '',
	blocked_at BIGINT NOT NULL DEFAULT 0
) BY_ROW;

CREATE TABLE devices (
	id IDENTITY,
	hostname TEXT NOT NULL,
	-- the host name in lower case: names of hosts have no letter case
	hostname_key TEXT NOT NULL UNIQUE,
	ip TEXT NOT NULL,
	domain TEXT NOT NULL DEFAULT '',
	any_port BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	disabled_at BIGINT NOT NULL DEFAULT 0
) BY_ROW;
CREATE INDEX devices_by_ip ON devices (ip);

CREATE TABLE connectivities (
	id IDENTITY,
	device_id BIGINT NOT NULL REFERENCES devices (id),
	protocol TEXT NOT NULL,
	port BIGINT NOT NULL,
	UNIQUE (device_id, protocol, port)
) BY_ROW;
-- listed in the order in which they were registered
CREATE INDEX connectivities_by_device ON connectivities (device_id, id);

CREATE TABLE pins (
	device_id BIGINT NOT NULL REFERENCES devices (id),
	protocol TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	fingerprint BYTES NOT NULL,
	pinned_at BIGINT NOT NULL,
	PRIMARY KEY (device_id, protocol, algorithm)
) BY_KEY;

CREATE TABLE applications (
	id IDENTITY,
	name TEXT NOT NULL UNIQUE,
	auth TEXT NOT NULL CHECK (auth IN ('oauth1', 'oauth2')),
	created_at BIGINT NOT NULL,
	disabled_at BIGINT NOT NULL DEFAULT 0
) BY_ROW;

CREATE TABLE authorizations (
	id IDENTITY,
	application_id BIGINT NOT NULL REFERENCES applications (id),
	client_id TEXT NOT NULL,
	client_secret_hash BYTES NOT NULL,
	consumer_key TEXT NOT NULL,
	token_key TEXT NOT NULL,
	-- each envelope remembers its own root key: a rotation may stop between the two
	consumer_sealed BYTES,
	consumer_key_version BIGINT NOT NULL DEFAULT 0,
	token_sealed BYTES,
	token_key_version BIGINT NOT NULL DEFAULT 0,
	reads BIGINT NOT NULL,
	writes BIGINT NOT NULL,
	ips TEXT NOT NULL,
	referers TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	disabled_at BIGINT NOT NULL DEFAULT 0
) BY_ROW;
CREATE UNIQUE INDEX authorizations_by_client ON authorizations (client_id) WHERE client_id <> '';
CREATE UNIQUE INDEX authorizations_by_consumer ON authorizations (consumer_key, token_key)
	WHERE consumer_key <> '';

CREATE TABLE credentials (
	id IDENTITY,
	device_id BIGINT NOT NULL REFERENCES devices (id),
	identifier TEXT NOT NULL UNIQUE,
	username TEXT NOT NULL,
	domain TEXT NOT NULL DEFAULT '',
	kind BIGINT NOT NULL,
	-- of the secret: part of its identity in the vault, so an old envelope never opens as a new one
	version BIGINT NOT NULL DEFAULT 0,
	key_version BIGINT NOT NULL DEFAULT 0,
	sealed BYTES,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL DEFAULT 0,
	disabled_at BIGINT NOT NULL DEFAULT 0,
	last_used_at BIGINT NOT NULL DEFAULT 0,
	owner_authorization BIGINT REFERENCES authorizations (id),
	UNIQUE (device_id, username, domain)
) BY_ROW;
CREATE INDEX credentials_by_key_version ON credentials (key_version);

-- An authorization reaches exactly these credentials, and those it created.
CREATE TABLE coverage (
	authorization_id BIGINT NOT NULL REFERENCES authorizations (id),
	credential_id BIGINT NOT NULL REFERENCES credentials (id),
	PRIMARY KEY (authorization_id, credential_id)
) BY_KEY;

CREATE TABLE tokens (
	hash BYTES NOT NULL PRIMARY KEY,
	authorization_id BIGINT NOT NULL REFERENCES authorizations (id),
	expires_at BIGINT NOT NULL
) BY_KEY;
CREATE INDEX tokens_by_expiry ON tokens (expires_at);

-- The time stamp leads, so that new nonces are neighbours and old ones are one range to sweep.
CREATE TABLE nonces (
	stamped BIGINT NOT NULL,
	authorization_id BIGINT NOT NULL REFERENCES authorizations (id),
	hash BYTES NOT NULL,
	PRIMARY KEY (stamped, authorization_id, hash)
) BY_KEY;

-- Names are copied in: a session is evidence, and says who and where as it was then.
CREATE TABLE sessions (
	id IDENTITY,
	session_id TEXT NOT NULL UNIQUE,
	token_hash BYTES NOT NULL UNIQUE,
	state BIGINT NOT NULL CHECK (state BETWEEN 0 AND 3),
	authorization_id BIGINT NOT NULL REFERENCES authorizations (id),
	user_id BIGINT NOT NULL REFERENCES users (id),
	device_id BIGINT NOT NULL REFERENCES devices (id),
	credential_id BIGINT NOT NULL REFERENCES credentials (id),
	credential_version BIGINT NOT NULL,
	user_login TEXT NOT NULL,
	application TEXT NOT NULL,
	device TEXT NOT NULL,
	ip TEXT NOT NULL,
	username TEXT NOT NULL,
	protocol TEXT NOT NULL,
	port BIGINT NOT NULL,
	width BIGINT NOT NULL,
	height BIGINT NOT NULL,
	remote_addr TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	origin_ip TEXT NOT NULL DEFAULT '',
	cookie_hash BYTES,
	public_key BYTES,
	redeemed_at BIGINT NOT NULL DEFAULT 0,
	live_at BIGINT NOT NULL DEFAULT 0,
	ended_at BIGINT NOT NULL DEFAULT 0,
	end_why BIGINT NOT NULL DEFAULT 0,
	end_reason TEXT NOT NULL DEFAULT '',
	exit_status BIGINT NOT NULL DEFAULT -1,
	output_bytes BIGINT NOT NULL DEFAULT 0,
	input_bytes BIGINT NOT NULL DEFAULT 0,
	file_bytes BIGINT NOT NULL DEFAULT 0,
	head BYTES,
	recorded BIGINT NOT NULL DEFAULT 0
) BY_ROW;
CREATE INDEX sessions_by_authorization ON sessions (authorization_id, id);
CREATE INDEX sessions_open_by_user ON sessions (user_id) WHERE state < 3;
CREATE INDEX sessions_open_by_credential ON sessions (credential_id) WHERE state < 3;

CREATE TABLE tickets (
	hash BYTES NOT NULL PRIMARY KEY,
	session_id BIGINT NOT NULL REFERENCES sessions (id),
	remote_addr TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	spent_at BIGINT NOT NULL DEFAULT 0
) BY_KEY;
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

CREATE TABLE audit (
	sequence BIGINT NOT NULL PRIMARY KEY,
	happened_at BIGINT NOT NULL,
	event TEXT NOT NULL,
	actor TEXT NOT NULL,
	origin TEXT NOT NULL,
	object TEXT NOT NULL,
	result BIGINT NOT NULL,
	detail TEXT NOT NULL,
	previous BYTES NOT NULL,
	hash BYTES NOT NULL
) BY_ROW;
