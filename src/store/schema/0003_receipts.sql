-- SPDX-License-Identifier: Apache-2.0
-- What a session came to, in one signed text. Its recording's figures of before this are not known.
ALTER TABLE sessions ADD COLUMN inputs BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN chunks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN duration_ms BIGINT NOT NULL DEFAULT 0;

CREATE TABLE receipts (
	session_id BIGINT NOT NULL PRIMARY KEY REFERENCES sessions (id),
	made_at BIGINT NOT NULL,
	signer_id BIGINT NOT NULL REFERENCES signers (id),
	receipt TEXT NOT NULL,
	signature BYTES NOT NULL
) BY_ROW;
