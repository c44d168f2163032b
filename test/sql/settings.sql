-- Settings: a value that cannot work is refused when it is set, with the reason; the secret cannot be read.
ALTER SYSTEM SET pgrest.db_schemas = 'information_schema';
ALTER SYSTEM SET pgrest.db_schemas = 'api, pg_catalog';
ALTER SYSTEM SET pgrest.db_schemas = 'api,, web';
ALTER SYSTEM SET pgrest.db_schemas = ' ';
ALTER SYSTEM SET pgrest.db_extra_search_path = 'public,,tools';
ALTER SYSTEM SET pgrest.db_tx_end = 'sometimes';
ALTER SYSTEM SET pgrest.db_max_rows = 'many';
ALTER SYSTEM SET pgrest.db_max_rows = '-1';
ALTER SYSTEM SET pgrest.db_aggregates_enabled = 'perhaps';
ALTER SYSTEM SET pgrest.db_plan_enabled = 'perhaps';
ALTER SYSTEM SET pgrest.db_config = 'perhaps';
ALTER SYSTEM SET pgrest.url_use_legacy_target_names = 'perhaps';
ALTER SYSTEM SET pgrest.client_error_verbosity = 'loud';
ALTER SYSTEM SET pgrest.openapi_mode = 'maybe';
ALTER SYSTEM SET pgrest.openapi_security_active = 'perhaps';
ALTER SYSTEM SET pgrest.openapi_server_proxy_uri = 'example.com';
ALTER SYSTEM SET pgrest.openapi_server_proxy_uri = 'https://me@example.com';
ALTER SYSTEM SET pgrest.jwt_secret = '{"kty": "oct"';
ALTER SYSTEM SET pgrest.jwt_secret = '{"keys": [{"kty": "RSA", "n": "AQAB"}]}';
ALTER SYSTEM SET pgrest.jwt_secret_is_base64 = 'perhaps';
ALTER SYSTEM SET pgrest.jwt_aud = 'no uri: at all';
ALTER SYSTEM SET pgrest.jwt_role_claim_key = 'no path [';
ALTER SYSTEM SET pgrest.jwt_cache_max_entries = 'all';
ALTER SYSTEM SET pgrest.lock_role = 'perhaps';
ALTER SYSTEM SET pgrest.cancel_on_disconnect = 'perhaps';
ALTER SYSTEM SET pgrest.max_body_size = '-2';
ALTER SYSTEM SET pgrest.max_body_size = '1 day';
ALTER SYSTEM SET pgrest.stream_threshold = '-1';
ALTER SYSTEM SET pgrest.max_embeds = -1;
ALTER SYSTEM SET pgrest.max_filters = 10001;
ALTER SYSTEM SET pgrest.workers = 0;
ALTER SYSTEM SET pgrest.listeners = 0;
ALTER SYSTEM SET pgrest.server_port = 65536;
ALTER SYSTEM SET pgrest.server_reuseport = 'perhaps';
ALTER SYSTEM SET pgrest.server_unix_socket_mode = '999';
ALTER SYSTEM SET pgrest.server_unix_socket_mode = '577';
SELECT format('ALTER SYSTEM SET pgrest.server_unix_socket = %L', repeat('/x', 50)) AS command \gset
:command;
ALTER SYSTEM SET pgrest.max_connections = 0;
ALTER SYSTEM SET pgrest.queue_size = 0;
ALTER SYSTEM SET pgrest.body_memory = 0;
ALTER SYSTEM SET pgrest.db_pool_acquisition_timeout = 0;
ALTER SYSTEM SET pgrest.db_pool_max_lifetime = 0;
ALTER SYSTEM SET pgrest.executor_memory = 0;
ALTER SYSTEM SET pgrest.request_memory = '31MB';
ALTER SYSTEM SET pgrest.header_timeout = 0;
ALTER SYSTEM SET pgrest.keepalive_timeout = 0;
ALTER SYSTEM SET pgrest.body_timeout = 0;
ALTER SYSTEM SET pgrest.send_timeout = 0;
ALTER SYSTEM SET pgrest.max_connections_per_address = -1;
ALTER SYSTEM SET pgrest.shutdown_timeout = -1;
ALTER SYSTEM SET pgrest.no_such_setting = '1';
-- older names are judged alike
ALTER SYSTEM SET pgrest.db_schema = 'pg_catalog';
ALTER SYSTEM SET pgrest.max_rows = 'many';
ALTER SYSTEM SET pgrest.secret_is_base64 = 'perhaps';
ALTER SYSTEM SET pgrest.role_claim_key = 'no path [';

-- nothing of it was kept
SELECT count(*) FROM pg_file_settings
 WHERE name LIKE 'pgrest.%' AND sourcefile LIKE '%/postgresql.auto.conf'
   AND name NOT IN ('pgrest.database', 'pgrest.authenticator', 'pgrest.db_anon_role', 'pgrest.db_schemas',
                    'pgrest.db_tx_end', 'pgrest.jwt_secret');

-- they belong to the server, not to a session, a role or a database
SET pgrest.db_schemas = 'other';
SET pgrest.jwt_secret = 'mine';
SET pgrest.lock_role = off;
SET pgrest.server_port = 1;
SELECT set_config('pgrest.db_anon_role', 'postgres', true);
ALTER ROLE regress_clerk SET pgrest.db_anon_role = 'postgres';
SET pgrest.no_such_setting = '1';

-- the secret is shown to nobody, and to ordinary roles not even that there is one
SHOW pgrest.jwt_secret;
SELECT count(*) FROM pg_settings WHERE name = 'pgrest.jwt_secret';
SET ROLE regress_clerk;
SHOW pgrest.jwt_secret;
SELECT current_setting('pgrest.jwt_secret');
SELECT current_setting('pgrest.jwt_secret', true);
SELECT count(*) FROM pg_settings WHERE name = 'pgrest.jwt_secret';
SELECT count(*) FROM pg_show_all_settings() WHERE setting LIKE '%keys%';
SELECT count(*) FROM pg_file_settings;
RESET ROLE;
-- the name of a file may be told; without the file nothing is served
SELECT setting AS secret FROM pg_file_settings WHERE name = 'pgrest.jwt_secret' ORDER BY seqno DESC LIMIT 1 \gset
ALTER SYSTEM SET pgrest.jwt_secret = '@/no/such/file';
SELECT pgrest.reload();
\c -
SHOW pgrest.jwt_secret;
SELECT status, body FROM pgrest.request('GET', '/');
ALTER SYSTEM SET pgrest.jwt_secret = :'secret';
SELECT pgrest.reload();
