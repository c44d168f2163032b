-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pgrest" to load this file. \quit

-- Logins written in SQL find sign() here; what is not for everybody is revoked below.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;

-- ---------------------------------------------------------------- tokens
CREATE FUNCTION sign(payload json, secret text, algorithm text DEFAULT 'HS256')
RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE STRICT  -- signatures of some algorithms are random
AS 'MODULE_PATHNAME', 'pgrest_sign';
COMMENT ON FUNCTION sign(json, text, text) IS
  'JSON Web Token (RFC 7519) of the payload. The secret is a text (HS256, HS384, HS512), a JSON Web Key or a set of keys, of which the first that suits the algorithm signs. Same signature as in the pgjwt extension.';

CREATE FUNCTION verify(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean)
LANGUAGE c STABLE PARALLEL SAFE STRICT ROWS 1
AS 'MODULE_PATHNAME', 'pgrest_verify';
COMMENT ON FUNCTION verify(text, text, text) IS
  'Parts of a token and whether its signature is right and now lies between its nbf and exp. The secret is a text, a JSON Web Key or a set of keys. Same signature as in the pgjwt extension.';

-- ---------------------------------------------------------------- the API from SQL
CREATE FUNCTION request(method text, path text, headers jsonb DEFAULT '{}', body text DEFAULT NULL,
                        OUT status integer, OUT headers jsonb, OUT body text)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgrest_request';
COMMENT ON FUNCTION request(text, text, jsonb, text) IS
  'Answers a request as the server would, inside the current transaction. For superusers and the authenticator.';

-- ---------------------------------------------------------------- the running server
CREATE FUNCTION version() RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgrest_version';
COMMENT ON FUNCTION @extschema@.version() IS 'Version of the pgrest library that is loaded.';

CREATE FUNCTION reload() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_reload';
COMMENT ON FUNCTION reload() IS 'Reads the configuration again, as pg_reload_conf() does.';
REVOKE ALL ON FUNCTION reload() FROM PUBLIC;

CREATE FUNCTION pause() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_pause';
COMMENT ON FUNCTION pause() IS
  'Lets go of the database: executors end and requests get 503 until resume(). For DROP, RENAME and CREATE DATABASE ... TEMPLATE.';
REVOKE ALL ON FUNCTION pause() FROM PUBLIC;

CREATE FUNCTION resume() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_resume';
COMMENT ON FUNCTION resume() IS 'Ends what pause() began.';
REVOKE ALL ON FUNCTION resume() FROM PUBLIC;

CREATE FUNCTION workers(OUT pid integer, OUT kind text, OUT state text, OUT since timestamptz, OUT request text,
                        OUT requests bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE ROWS 8
AS 'MODULE_PATHNAME', 'pgrest_workers';
COMMENT ON FUNCTION workers() IS 'The rows of the view workers.';
REVOKE ALL ON FUNCTION workers() FROM PUBLIC;

CREATE VIEW workers AS SELECT * FROM workers();
COMMENT ON VIEW workers IS 'The processes of pgrest and what each is doing.';
REVOKE ALL ON workers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION workers() TO pg_monitor;
GRANT SELECT ON workers TO pg_monitor;

CREATE FUNCTION queue(OUT slots integer, OUT arriving integer, OUT waiting integer, OUT running integer,
                      OUT answered integer, OUT body_memory bigint, OUT body_memory_used bigint)
RETURNS record
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_queue';
COMMENT ON FUNCTION queue() IS 'The row of the view queue.';
REVOKE ALL ON FUNCTION queue() FROM PUBLIC;

CREATE VIEW queue AS SELECT * FROM queue();
COMMENT ON VIEW queue IS
  'Requests on their way: how many slots there are, how many requests arrive, wait for an executor, run, or are answered and not yet taken by their client; bytes of memory for bodies, and how many are in use.';
REVOKE ALL ON queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue() TO pg_monitor;
GRANT SELECT ON queue TO pg_monitor;

-- ---------------------------------------------------------------- is the installation safe?
CREATE FUNCTION check_settings(OUT problem text, OUT database text, OUT authenticator text, OUT schemas text,
                               OUT extra_search_path text, OUT anon_role text, OUT pre_request text,
                               OUT lock_role boolean, OUT secret_place text, OUT secret_bytes integer,
                               OUT secret_file text, OUT secret_readable boolean, OUT secret_changeable boolean)
RETURNS record
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_check_settings';
COMMENT ON FUNCTION check_settings() IS
  'For check(): the settings in force, where the secret is kept, how long it is, and what others may do to its file.';
REVOKE ALL ON FUNCTION check_settings() FROM PUBLIC;

CREATE TYPE finding AS (severity text, what text, object text, advice text);
COMMENT ON TYPE finding IS 'A row of check().';

-- The authenticator and what it is a member of, directly or through others: whatever a request can become.
CREATE FUNCTION check_roles() RETURNS TABLE (role oid, is_authenticator boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE found AS (
    SELECT oid FROM pg_roles WHERE rolname = current_setting('pgrest.authenticator')
    UNION
    SELECT m.roleid FROM found f JOIN pg_auth_members m ON m.member = f.oid)
  SELECT f.oid, a.rolname = current_setting('pgrest.authenticator') FROM found f JOIN pg_roles a USING (oid)
$$;
COMMENT ON FUNCTION check_roles() IS 'For check(): the authenticator and the roles that it can become.';
REVOKE ALL ON FUNCTION check_roles() FROM PUBLIC;

CREATE FUNCTION check_settings_findings() RETURNS SETOF finding
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  WITH s AS (SELECT * FROM @extschema@.check_settings()),
  exposed AS (SELECT unnest(string_to_array(schemas, ',')) AS name FROM s)
  SELECT 'critical', 'nothing is served with these settings', problem,
         'Mend the setting; the log of the server tells of it too.'
    FROM s WHERE problem IS NOT NULL
  UNION ALL
  SELECT 'critical', 'an exposed schema does not exist', name,
         'Create it or take it out of pgrest.db_schemas; until then every request is answered with 503.'
    FROM exposed WHERE to_regnamespace(quote_ident(name)) IS NULL
  UNION ALL
  SELECT 'warning', 'requests may leave their role', 'pgrest.lock_role', 'Set it to on.'
    FROM s WHERE NOT lock_role
  UNION ALL
  SELECT 'warning', 'pgrest listens on every address, without TLS', current_setting('pgrest.server_host'),
         'Set pgrest.server_host to 127.0.0.1 or use pgrest.server_unix_socket, and put a proxy that speaks TLS in front.'
    FROM s WHERE current_setting('pgrest.server_host') IN ('', '!4', '!6', '*', '*4', '*6', '0.0.0.0', '::')
     AND current_setting('pgrest.server_unix_socket') = ''
  UNION ALL
  SELECT 'warning', 'the secret is shorter than 32 bytes', secret_bytes || ' bytes',
         'Make another one, with: openssl rand -hex 32'
    FROM s WHERE secret_bytes < 32
  UNION ALL
  SELECT 'critical', 'everybody on the machine can read the secret', secret_file, 'chmod o= the file.'
    FROM s WHERE secret_readable AND secret_bytes IS NOT NULL
  UNION ALL
  SELECT 'critical', 'everybody on the machine can replace the keys', secret_file,
         'chmod o-w the file and the directory that it is in.'
    FROM s WHERE secret_changeable
  UNION ALL
  SELECT 'warning', 'the secret stands in the configuration', 'pgrest.jwt_secret',
         'Put it into a file that only the server can read, and set @ and the path of the file.'
    FROM s WHERE secret_place = 'configuration' AND secret_bytes IS NOT NULL
  UNION ALL
  -- every role may read pg_db_role_setting
  SELECT DISTINCT 'critical', 'a secret stands in the catalog, where every role can read it',
         concat_ws(', ', 'role ' || r.rolname, 'database ' || d.datname) || ': ' || split_part(e, '=', 1),
         'Put it into a file that only the server can read. Make a new secret, since this one has been seen.'
    FROM s, pg_db_role_setting c
    LEFT JOIN pg_roles r ON r.oid = c.setrole
    LEFT JOIN pg_database d ON d.oid = c.setdatabase,
    unnest(c.setconfig) e
   WHERE split_part(e, '=', 1) ~* 'secret' AND split_part(e, '=', 1) !~* 'secret_is_base64$'
     AND e !~ '^[^=]*=(@|$)' AND (d.oid IS NULL OR d.datname = current_database())
$$;
COMMENT ON FUNCTION check_settings_findings() IS 'For check(): settings and secret.';
REVOKE ALL ON FUNCTION check_settings_findings() FROM PUBLIC;

CREATE FUNCTION check_role_findings() RETURNS SETOF finding
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  WITH s AS (SELECT * FROM @extschema@.check_settings()),
  authenticator AS (SELECT r.* FROM s JOIN pg_roles r ON r.rolname = s.authenticator),
  anonymous AS (SELECT r.* FROM s JOIN pg_roles r ON r.rolname = s.anon_role),
  reached AS (SELECT r.* FROM @extschema@.check_roles() c JOIN pg_roles r ON r.oid = c.role WHERE NOT c.is_authenticator)
  SELECT 'critical', 'the authenticator does not exist', s.authenticator,
         format('CREATE ROLE %I LOGIN NOINHERIT;', s.authenticator)
    FROM s WHERE NOT EXISTS (SELECT FROM authenticator)
  UNION ALL
  SELECT 'critical', 'the authenticator is a superuser', rolname, format('ALTER ROLE %I NOSUPERUSER;', rolname)
    FROM authenticator WHERE rolsuper
  UNION ALL
  SELECT 'critical', 'the authenticator may not log in', rolname,
         format('ALTER ROLE %I LOGIN; until then nothing is served.', rolname)
    FROM authenticator WHERE NOT rolcanlogin
  UNION ALL
  SELECT 'warning', 'the authenticator inherits the rights of its roles', rolname,
         format('ALTER ROLE %I NOINHERIT;', rolname)
    FROM authenticator WHERE rolinherit
  UNION ALL
  SELECT 'critical', 'the authenticator has a dangerous attribute', attribute, format('ALTER ROLE %I NO%s;', rolname, attribute)
    FROM authenticator,
         LATERAL (VALUES ('BYPASSRLS', rolbypassrls), ('CREATEROLE', rolcreaterole), ('CREATEDB', rolcreatedb),
                         ('REPLICATION', rolreplication)) a (attribute, given)
   WHERE given
  UNION ALL
  SELECT 'warning', 'the authenticator owns an object', o.kind || ' ' || o.name,
         'Give it to another role: ALTER ... OWNER TO.'
    FROM authenticator a,
         LATERAL (SELECT 'table', format('%I.%I', n.nspname, c.relname)
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE c.relowner = a.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                  UNION ALL
                  SELECT 'function', p.oid::regprocedure::text FROM pg_proc p WHERE p.proowner = a.oid
                  UNION ALL
                  SELECT 'schema', quote_ident(nspname) FROM pg_namespace WHERE nspowner = a.oid
                  UNION ALL
                  SELECT 'database', quote_ident(datname) FROM pg_database WHERE datdba = a.oid) o (kind, name)
  UNION ALL
  SELECT 'critical', 'the authenticator may grant a role to others', r.rolname,
         format('REVOKE ADMIN OPTION FOR %I FROM %I;', r.rolname, a.rolname)
    FROM authenticator a JOIN pg_auth_members m ON m.member = a.oid JOIN pg_roles r ON r.oid = m.roleid
   WHERE m.admin_option
  UNION ALL
  SELECT 'critical', 'requests may become a role with a dangerous attribute', rolname || ', ' || attribute,
         'REVOKE this role from the authenticator, or from the role that the authenticator has it by.'
    FROM reached,
         LATERAL (VALUES ('SUPERUSER', rolsuper), ('BYPASSRLS', rolbypassrls), ('CREATEROLE', rolcreaterole),
                         ('REPLICATION', rolreplication)) a (attribute, given)
   WHERE given
  UNION ALL
  SELECT 'critical', 'requests may have the rights of a predefined role', rolname,
         'REVOKE this role from the authenticator, or from the role that the authenticator has it by.'
    FROM reached WHERE rolname LIKE 'pg\_%'
  UNION ALL
  SELECT 'critical', 'the anonymous role does not exist', s.anon_role,
         format('CREATE ROLE %I; GRANT %1$I TO %I;', s.anon_role, s.authenticator)
    FROM s WHERE anon_role IS NOT NULL AND NOT EXISTS (SELECT FROM anonymous)
  UNION ALL
  SELECT 'critical', 'the anonymous role is the authenticator', s.anon_role,
         'Make a role of its own for requests without a token.'
    FROM s WHERE anon_role = s.authenticator
  UNION ALL
  SELECT 'warning', 'the anonymous role may log in', rolname, format('ALTER ROLE %I NOLOGIN;', rolname)
    FROM anonymous, s WHERE rolcanlogin AND anon_role <> s.authenticator
  UNION ALL
  SELECT 'warning', 'the authenticator is no member of the anonymous role', rolname,
         format('GRANT %I TO %I; until then requests without a token are refused.', rolname, s.authenticator)
    FROM anonymous a, s WHERE EXISTS (SELECT FROM authenticator)
     AND a.oid NOT IN (SELECT role FROM @extschema@.check_roles())
     AND NOT (SELECT rolsuper FROM authenticator)
$$;
COMMENT ON FUNCTION check_role_findings() IS 'For check(): the authenticator and the roles that it can become.';
REVOKE ALL ON FUNCTION check_role_findings() FROM PUBLIC;

CREATE FUNCTION check_relation_findings() RETURNS SETOF finding
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE s AS MATERIALIZED (SELECT * FROM @extschema@.check_settings()),
  exposed AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM s, unnest(string_to_array(schemas, ',')) name
      JOIN pg_namespace n ON n.nspname = name),
  anonymous AS (SELECT r.oid, r.rolname FROM s JOIN pg_roles r ON r.rolname = s.anon_role),
  reached AS MATERIALIZED (SELECT r.oid, r.rolname, r.rolsuper FROM @extschema@.check_roles() c
                             JOIN pg_roles r ON r.oid = c.role WHERE NOT c.is_authenticator),
  relations AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
           format('%I.%I', e.nspname, c.relname) AS name
      FROM exposed e JOIN pg_class c ON c.relnamespace = e.oid
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition  -- partitions have no address
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')),
  readable AS MATERIALIZED (
    SELECT t.*, (SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM reached r
                  WHERE has_any_column_privilege(r.oid, t.oid, 'SELECT')) AS readers
      FROM relations t),
  -- What a view reads and as whom: as its owner, or, with security_invoker, as whoever reads it.
  views AS (
    SELECT t.oid AS view, t.name, t.oid AS relation, NULL::oid AS reads_as
      FROM readable t
     WHERE relkind = 'v'
       AND EXISTS (SELECT FROM reached r WHERE has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE')
                                            OR has_table_privilege(r.oid, t.oid, 'DELETE'))
    UNION
    SELECT v.view, v.name, d.refobjid,
           CASE WHEN (SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o
                       WHERE o.option_name = 'security_invoker') THEN v.reads_as ELSE c.relowner END
      FROM views v
      JOIN pg_class c ON c.oid = v.relation AND c.relkind = 'v'
      JOIN pg_rewrite w ON w.ev_class = c.oid
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid)
  SELECT 'warning', 'the anonymous role may write to a table', t.name,
         format('REVOKE %s ON %s FROM %I; or from PUBLIC, if it stands there.', p.allowed, t.name, a.rolname)
    FROM anonymous a, relations t,
         LATERAL (SELECT string_agg(kind, ', ') AS allowed FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) kind
                   WHERE CASE WHEN kind IN ('INSERT', 'UPDATE') THEN has_any_column_privilege(a.oid, t.oid, kind)
                              ELSE has_table_privilege(a.oid, t.oid, kind) END) p
   WHERE p.allowed IS NOT NULL
  UNION ALL
  SELECT CASE WHEN r.oid = (SELECT oid FROM anonymous) THEN 'critical' ELSE 'warning' END,
         'requests may create objects in a schema', format('schema %s, role %s', n.nspname, r.rolname),
         format('REVOKE CREATE ON SCHEMA %I FROM %I; or from PUBLIC, if it stands there.', n.nspname, r.rolname)
    FROM reached r, pg_namespace n
   WHERE NOT r.rolsuper AND has_schema_privilege(r.oid, n.oid, 'CREATE')
     AND (n.nspname = 'public' OR n.oid IN (SELECT oid FROM exposed)
          OR n.nspname = ANY (SELECT unnest(string_to_array(extra_search_path, ',')) FROM s))
  UNION ALL
  SELECT 'warning', 'a table without row security can be read', t.name || ', by ' || readers,
         format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY; and write policies. Where everybody may see every row, '
                'the policy USING (true) says so.', t.name)
    FROM readable t WHERE relkind IN ('r', 'p') AND NOT relrowsecurity AND readers IS NOT NULL
  UNION ALL
  SELECT 'notice', 'a relation that cannot have row security can be read', t.name || ', by ' || readers,
         'See to it that everybody who can read it may see every row, or show it through a view.'
    FROM readable t WHERE relkind IN ('m', 'f') AND readers IS NOT NULL
  UNION ALL
  SELECT 'warning', 'requests may become the owner of an exposed relation', t.name || ', role ' || r.rolname,
         'Give it to a role that the authenticator is no member of: row security does not bind the owner of a table.'
    FROM relations t JOIN reached r ON r.oid = t.relowner
  UNION ALL
  SELECT DISTINCT 'warning', 'a view passes by row security', v.name || ', of ' || v.relation::regclass::text,
         format('ALTER VIEW %s SET (security_invoker); or give it to an owner whom the policies bind.', v.name)
    FROM views v
    JOIN pg_class c ON c.oid = v.relation AND c.relrowsecurity
    JOIN pg_roles o ON o.oid = v.reads_as
   WHERE o.rolsuper OR o.rolbypassrls OR (pg_has_role(o.oid, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity)
$$;
COMMENT ON FUNCTION check_relation_findings() IS 'For check(): tables, views and schemas.';
REVOKE ALL ON FUNCTION check_relation_findings() FROM PUBLIC;

CREATE FUNCTION check_function_findings() RETURNS SETOF finding
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  WITH s AS MATERIALIZED (SELECT * FROM @extschema@.check_settings()),
  exposed AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM s, unnest(string_to_array(schemas, ',')) name
      JOIN pg_namespace n ON n.nspname = name),
  reached AS MATERIALIZED (SELECT r.oid, r.rolname FROM @extschema@.check_roles() c
                             JOIN pg_roles r ON r.oid = c.role),
  members AS MATERIALIZED (
    SELECT d.objid AS oid, d.classid, x.extname FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
     WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass),
  -- A pre-request function without a schema is looked for in the exposed schemas and the extra search path.
  hook AS (
    SELECT pre_request AS name,
           (SELECT p.oid
              FROM unnest(CASE WHEN strpos(pre_request, '.') > 0 THEN ARRAY[split_part(pre_request, '.', 1)]
                               ELSE string_to_array(schemas, ',') || string_to_array(extra_search_path, ',')
                                    || 'pg_catalog'::text END)
                   WITH ORDINALITY path (schema, place)
              JOIN pg_namespace n ON n.nspname = path.schema
              JOIN pg_proc p ON p.pronamespace = n.oid AND p.prokind = 'f' AND p.pronargs <= p.pronargdefaults
               AND p.proname = CASE WHEN strpos(pre_request, '.') > 0
                                    THEN substr(pre_request, strpos(pre_request, '.') + 1) ELSE pre_request END
             ORDER BY place, p.pronargs LIMIT 1) AS function
      FROM s WHERE pre_request IS NOT NULL),
  named AS (
    SELECT 'pgrest.db_pre_request' AS setting, pre_request AS name FROM s
    UNION ALL
    SELECT x, current_setting(x) FROM unnest('{pgrest.db_pre_config,pgrest.db_root_spec}'::text[]) x
    UNION ALL
    SELECT split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
      FROM s JOIN pg_roles r ON r.rolname = s.authenticator JOIN pg_db_role_setting d ON d.setrole = r.oid,
           unnest(d.setconfig) c
     WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND split_part(c, '=', 1) IN ('pgrst.db_pre_config', 'pgrst.db_root_spec')),
  functions AS MATERIALIZED (
    SELECT p.oid, p.proname, p.oid::regprocedure::text AS name, p.proowner, p.prosecdef, p.provolatile, p.proconfig,
           EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                    WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
           AND p.pronamespace IN (SELECT oid FROM exposed) AS for_everybody
      FROM pg_proc p
     WHERE (p.pronamespace IN (SELECT oid FROM exposed) OR p.oid IN (SELECT function FROM hook))
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND p.prokind = 'f'
       AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_proc'::regclass AND m.oid = p.oid))
  SELECT 'critical', 'the pre-request function does not exist', name,
         'Create it or correct pgrest.db_pre_request; until then requests are refused.'
    FROM hook WHERE function IS NULL
  UNION ALL
  SELECT 'warning', 'a setting names a function without its schema', format('%s = %s', setting, name),
         'Write schema.name: another function of that name in an earlier schema would take its place.'
    FROM named WHERE name <> '' AND strpos(name, '.') = 0
  UNION ALL
  SELECT 'warning', 'the pre-request function has no search_path of its own', p.oid::regprocedure::text,
         format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp; and name the schemas of what it uses: '
                'without it the role of a request chooses what its names mean, by ALTER ROLE ... SET search_path.',
                p.oid::regprocedure)
    FROM hook h JOIN pg_proc p ON p.oid = h.function JOIN pg_language l ON l.oid = p.prolang
   WHERE NOT p.prosecdef AND l.lanname NOT IN ('internal', 'c') AND to_jsonb(p) ->> 'prosqlbody' IS NULL
     AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%')
  UNION ALL
  SELECT DISTINCT 'critical', 'requests may replace the pre-request function',
         function::regprocedure::text || ', role ' || r.rolname,
         'Give the function and its schema to a role that the authenticator is no member of, and allow nobody else to '
         'CREATE in that schema.'
    FROM hook h JOIN pg_proc p ON p.oid = h.function JOIN pg_namespace n ON n.oid = p.pronamespace, reached r
   WHERE p.proowner = r.oid OR n.nspowner = r.oid
      OR EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                  WHERE a.grantee IN (r.oid, 0) AND a.privilege_type = 'CREATE')
  UNION ALL
  SELECT 'critical', 'a SECURITY DEFINER function has no search_path of its own', name,
         format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp; and name the schemas of what it uses.', name)
    FROM functions
   WHERE prosecdef AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search\_path=%')
  UNION ALL
  SELECT 'warning', 'a SECURITY DEFINER function belongs to a superuser', name,
         format('ALTER FUNCTION %s OWNER TO a role that has only the rights that the function needs.', name)
    FROM functions f JOIN pg_roles r ON r.oid = f.proowner
   WHERE prosecdef AND r.rolsuper
  UNION ALL
  SELECT 'warning', 'everybody may execute a SECURITY DEFINER function', name,
         format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC; and GRANT it to the roles that need it.', name)
    FROM functions WHERE prosecdef AND for_everybody
  UNION ALL
  SELECT 'notice', 'everybody may execute a volatile function', name,
         format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC; and GRANT it to the roles that need it.', name)
    FROM functions WHERE provolatile = 'v' AND NOT prosecdef AND for_everybody
  UNION ALL
  SELECT 'warning', 'requests may become the owner of an exposed function', f.name || ', role ' || r.rolname,
         'Give it to a role that the authenticator is no member of: its owner may replace it.'
    FROM functions f JOIN reached r ON r.oid = f.proowner JOIN @extschema@.check_roles() c ON c.role = r.oid
   WHERE NOT c.is_authenticator AND f.oid NOT IN (SELECT function FROM hook WHERE function IS NOT NULL)
  UNION ALL
  SELECT DISTINCT 'warning', 'objects of an extension are exposed', m.extname || ', schema ' || e.nspname,
         'Keep extensions in a schema of their own, which is not exposed: ALTER EXTENSION ... SET SCHEMA, or drop it '
         'and create it there.'
    FROM exposed e
    JOIN (SELECT oid, 'pg_proc'::regclass AS classid, pronamespace AS schema FROM pg_proc
          UNION ALL
          SELECT oid, 'pg_class'::regclass, relnamespace FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')) o
      ON o.schema = e.oid
    JOIN members m ON m.classid = o.classid AND m.oid = o.oid
$$;
COMMENT ON FUNCTION check_function_findings() IS 'For check(): functions and extensions.';
REVOKE ALL ON FUNCTION check_function_findings() FROM PUBLIC;

-- Runs as its owner, a superuser, so that those who monitor need not be superusers. It takes no argument, and what it
-- calls is qualified. (CHECK is a reserved word, except behind a point.)
CREATE FUNCTION @extschema@.check() RETURNS SETOF finding
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  served text := (SELECT database FROM @extschema@.check_settings());
BEGIN
  IF served <> current_database() THEN
    RETURN NEXT ('notice', 'another database is served', served,
                 'Connect to it, and call pgrest.check() there.')::@extschema@.finding;
    RETURN;
  END IF;
  RETURN QUERY
    SELECT f.* FROM (SELECT * FROM @extschema@.check_settings_findings()
                     UNION ALL SELECT * FROM @extschema@.check_role_findings()
                     UNION ALL SELECT * FROM @extschema@.check_relation_findings()
                     UNION ALL SELECT * FROM @extschema@.check_function_findings()) f
     ORDER BY array_position('{critical,warning,notice}'::text[], severity), what COLLATE "C", object COLLATE "C";
END
$$;
COMMENT ON FUNCTION @extschema@.check() IS
  'What about roles, rights, secret and settings is not safe, how grave it is, and what to do. No row: nothing was found.';
REVOKE ALL ON FUNCTION @extschema@.check() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.check() TO pg_monitor;
