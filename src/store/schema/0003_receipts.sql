-- SPDX-License-Identifier: Apache-2.0
-- What a session came to, in one signed text. -1: not known, as of recordings sealed before this.
ALTER TABLE sessions ADD COLUMN inputs BIGINT NOT NULL DEFAULT -1;
ALTER TABLE sessions ADD COLUMN chunks BIGINT NOT NULL DEFAULT -1;
ALTER TABLE sessions ADD COLUMN duration_ms BIGINT NOT NULL DEFAULT -1;

CREATE TABLE receipts (
	session_id BIGINT NOT NULL PRIMARY KEY REFERENCES sessions (id),
	made_at BIGINT NOT NULL,
	signer_id BIGINT NOT NULL REFERENCES signers (id),
	receipt TEXT NOT NULL,
	signature BYTES NOT NULL
) BY_ROW;
