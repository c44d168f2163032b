-- What CREATE EXTENSION makes, and who may use it.
\dx+ pgrest
SELECT extversion, pgrest.version() ~ ('^' || extversion || '\.\d+$') AS library_fits
  FROM pg_extension WHERE extname = 'pgrest';
-- the first version, so there is nothing to come from
SELECT * FROM pg_extension_update_paths('pgrest');
ALTER EXTENSION pgrest UPDATE;

-- everything is documented
SELECT p.oid::regprocedure, obj_description(p.oid, 'pg_proc') IS NOT NULL AS documented
  FROM pg_proc p WHERE pronamespace = 'pgrest'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT obj_description('pgrest.workers'::regclass, 'pg_class');
SELECT obj_description('pgrest.queue'::regclass, 'pg_class');

-- who may use it without being granted anything
SELECT p.oid::regprocedure, provolatile, proparallel, proisstrict,
       has_function_privilege('regress_clerk', p.oid, 'EXECUTE') AS anybody,
       has_function_privilege('pg_monitor', p.oid, 'EXECUTE') AS monitor
  FROM pg_proc p WHERE pronamespace = 'pgrest'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT view, has_table_privilege('regress_clerk', view, 'SELECT') AS anybody,
       has_table_privilege('pg_monitor', view, 'SELECT') AS monitor
  FROM unnest('{pgrest.workers, pgrest.queue}'::regclass[]) view;

-- it belongs to one schema; dropped, it leaves that empty
ALTER EXTENSION pgrest SET SCHEMA public;
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION pgrest;
SELECT count(*) FROM pg_depend WHERE refobjid = 'pgrest'::regnamespace;
CREATE EXTENSION pgrest SCHEMA public;
ROLLBACK;
BEGIN;
DROP EXTENSION pgrest;
CREATE EXTENSION pgrest;
SELECT pgrest.version() IS NOT NULL AS there_again;
ROLLBACK;
