-- SPDX-License-Identifier: Apache-2.0
-- Said after connection_postgresql.sql where a connection only looks.
SET default_transaction_read_only = on;
SET statement_timeout = 0;
