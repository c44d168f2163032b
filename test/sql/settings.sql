-- Settings: values that cannot work are refused when they are set, and the secret cannot be read.
ALTER SYSTEM SET pgrest.db_tx_end = 'sometimes';
ALTER SYSTEM SET pgrest.db_schemas = 'information_schema';
ALTER SYSTEM SET pgrest.db_schemas = 'api, pg_catalog';
ALTER SYSTEM SET pgrest.jwt_role_claim_key = 'no path [';
ALTER SYSTEM SET pgrest.jwt_secret = '{"kty": "oct"';
ALTER SYSTEM SET pgrest.jwt_aud = 'no uri: at all';
ALTER SYSTEM SET pgrest.client_error_verbosity = 'loud';
ALTER SYSTEM SET pgrest.openapi_mode = 'maybe';
ALTER SYSTEM SET pgrest.cancel_on_disconnect = 'perhaps';
ALTER SYSTEM SET pgrest.no_such_setting = '1';
SET pgrest.db_schemas = 'other';

CREATE ROLE regress_clerk;
SET ROLE regress_clerk;
SHOW pgrest.jwt_secret;
SELECT count(*) FROM pg_settings WHERE name = 'pgrest.jwt_secret';
RESET ROLE;
DROP ROLE regress_clerk;
