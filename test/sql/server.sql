-- The running server seen from SQL: workers, reload, pause, resume, and who may use them.
CREATE FUNCTION regress_wait_for(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  met boolean;
BEGIN
  FOR i IN 1 .. 1200 LOOP
    EXECUTE 'SELECT ' || condition INTO met;
    IF met THEN RETURN 'reached'; END IF;
    PERFORM pg_sleep(0.05);
  END LOOP;
  RETURN 'waited in vain for: ' || condition;
END $$;
CREATE FUNCTION regress_executors() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM pgrest.workers WHERE kind = 'executor' AND state IN ('idle', 'running') $$;

SELECT regress_wait_for($$ regress_executors() = current_setting('pgrest.workers')::int $$);
SELECT kind, state, count(*) = CASE kind WHEN 'executor' THEN current_setting('pgrest.workers')::int
                                         WHEN 'listener' THEN current_setting('pgrest.listeners')::int
                                         ELSE 1 END AS as_many_as_wanted,
       bool_and(since <= clock_timestamp()) AS since, bool_and(requests >= 0) AS requests,
       count(DISTINCT pid) = count(*) AS pids, count(request) AS with_request
  FROM pgrest.workers GROUP BY kind, state ORDER BY kind;
-- they are ordinary processes of the server
SELECT a.backend_type, bool_and(a.pid = w.pid) AS same, count(DISTINCT a.usename) AS users
  FROM pgrest.workers w JOIN pg_stat_activity a ON a.pid = w.pid
 GROUP BY a.backend_type ORDER BY a.backend_type COLLATE "C";
SELECT DISTINCT usename, datname = current_database() AS here, application_name LIKE 'pgrest %' AS named
  FROM pg_stat_activity WHERE backend_type = 'pgrest executor';

-- a reload replaces the executors one by one, and is heard by new sessions
CREATE TABLE regress_before AS SELECT pid, since FROM pgrest.workers WHERE kind = 'executor';
ALTER SYSTEM SET pgrest.db_max_rows = '7';
SELECT pgrest.reload();
\c -
SHOW pgrest.db_max_rows;
SELECT regress_wait_for($$ regress_executors() = current_setting('pgrest.workers')::int
  AND NOT EXISTS (SELECT FROM pgrest.workers JOIN regress_before USING (pid)) $$);
DROP TABLE regress_before;
ALTER SYSTEM RESET pgrest.db_max_rows;
SELECT pgrest.reload();
\c -
SHOW pgrest.db_max_rows;

-- paused, pgrest holds no session of the database
SELECT pgrest.pause();
SELECT kind, state FROM pgrest.workers WHERE kind <> 'listener' ORDER BY kind;
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pgrest executor';
SELECT pgrest.pause() AS already_paused;
SELECT pgrest.resume();
SELECT pgrest.resume() AS not_paused;
SELECT regress_wait_for($$ regress_executors() = current_setting('pgrest.workers')::int $$);

-- nothing is on its way
SELECT slots = current_setting('pgrest.queue_size')::int AS all_slots, arriving, waiting, running, answered,
       body_memory = pg_size_bytes(current_setting('pgrest.body_memory')) AS all_memory, body_memory_used
  FROM pgrest.queue;

-- ordinary roles see and change nothing
SET ROLE regress_clerk;
SELECT * FROM pgrest.workers;
SELECT * FROM pgrest.workers();
SELECT * FROM pgrest.queue;
SELECT * FROM pgrest.queue();
SELECT pgrest.reload();
SELECT pgrest.pause();
SELECT pgrest.resume();
SELECT pgrest.version() IS NOT NULL AS version;
RESET ROLE;
-- also when they were granted the function
GRANT EXECUTE ON FUNCTION pgrest.reload(), pgrest.pause(), pgrest.resume() TO regress_clerk;
SET ROLE regress_clerk;
SELECT pgrest.reload();
SELECT pgrest.pause();
SELECT pgrest.resume();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION pgrest.reload(), pgrest.pause(), pgrest.resume() FROM regress_clerk;
-- those who monitor see the workers
GRANT pg_monitor TO regress_clerk;
SET ROLE regress_clerk;
SELECT count(*) > 2 AS sees FROM pgrest.workers;
SELECT count(*) AS sees FROM pgrest.queue;
RESET ROLE;
REVOKE pg_monitor FROM regress_clerk;
DROP FUNCTION regress_wait_for(text), regress_executors();
