-- The settings and roles that the other tests need; restore.sql puts back what was there. The keys are those of
-- RFC 7515, appendices A.1 to A.4, that of RFC 8037, appendix A.1, and one with the text that tokens below are signed with.
SET client_min_messages = warning;
CREATE EXTENSION pgrest;
CREATE TABLE regress_settings AS
  SELECT name, setting FROM pg_file_settings
   WHERE name LIKE 'pgrest.%' AND sourcefile LIKE '%/postgresql.auto.conf';
CREATE ROLE regress_authenticator LOGIN NOINHERIT;
CREATE ROLE regress_anon;
CREATE ROLE regress_clerk;
GRANT regress_anon, regress_clerk TO regress_authenticator;
CREATE SCHEMA regress_api;
CREATE SCHEMA regress_other;
GRANT USAGE ON SCHEMA regress_api TO regress_anon, regress_clerk;

SELECT format('ALTER SYSTEM SET pgrest.database = %L', current_database()) AS command \gset
:command;
ALTER SYSTEM SET pgrest.authenticator = 'regress_authenticator';
ALTER SYSTEM SET pgrest.db_anon_role = 'regress_anon';
ALTER SYSTEM SET pgrest.db_schemas = 'regress_api, regress_other';
ALTER SYSTEM SET pgrest.db_tx_end = 'commit-allow-override';
ALTER SYSTEM SET pgrest.jwt_secret = '{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"},{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"oct","k":"YSBzZWNyZXQgb2YgdGhlIHJlZ3Jlc3Npb24gdGVzdHM"}]}';
SELECT pg_reload_conf();
-- a new session has what the server has read
\c -
SELECT name, setting FROM pg_settings
 WHERE name IN ('pgrest.authenticator', 'pgrest.db_anon_role', 'pgrest.db_schemas', 'pgrest.db_tx_end')
 ORDER BY name;
SELECT current_setting('pgrest.database') = current_database() AS this_database;
