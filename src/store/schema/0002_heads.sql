-- SPDX-License-Identifier: Apache-2.0
-- Signed heads of the audit trail: the last row of each transaction that wrote any has one. Rows of
-- before this table are covered by the first head after them.

-- A broker makes a key at each start. What the vault says of it may come later, or never.
CREATE TABLE signers (
	id IDENTITY,
	trail BYTES NOT NULL,
	public_key BYTES NOT NULL UNIQUE,
	made_at BIGINT NOT NULL
) BY_ROW;

CREATE TABLE signer_certificates (
	signer_id BIGINT NOT NULL PRIMARY KEY REFERENCES signers (id),
	certificate BYTES NOT NULL,
	certified_at BIGINT NOT NULL
) BY_ROW;

CREATE TABLE heads (
	sequence BIGINT NOT NULL PRIMARY KEY,
	signed_at BIGINT NOT NULL,
	signer_id BIGINT NOT NULL REFERENCES signers (id),
	signature BYTES NOT NULL
) BY_ROW;
