-- Errors and exceptions between C++ and PostgreSQL. psql variable module: the library without its suffix.
begin;
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset pager off
set local search_path = public, tap;
select * from no_plan();

create function guard_alive() returns int language c as :'module', 'guard_alive';
create function guard_inside(text) returns text language c strict as :'module', 'guard_inside';
create function guard_outside(text) returns text language c strict as :'module', 'guard_outside';
create function guard_throws(text) returns text language c strict as :'module', 'guard_throws';
create function guard_through(text) returns text language c strict as :'module', 'guard_through';
create function guard_runs(text) returns text language c strict as :'module', 'guard_runs';
create function guard_restores() returns boolean language c as :'module', 'guard_restores';
create function guard_lets_through() returns boolean language c as :'module', 'guard_lets_through';

-- (a) inside the guard
select is(guard_inside('boom'), '22012|boom|detail of boom|hint of boom', 'an error inside the guard arrives whole');
select is(guard_runs('select 1/0'), '22012|division by zero|-|-', 'so does one of SQL');
select is(guard_runs('select 1'), 'not raised', 'and none when there is none');
select matches(guard_runs('select guard_deep(1)'), '^42883', 'an unknown function');
create function guard_deep(n int) returns int language plpgsql as 'begin return guard_deep(n + 1); end';
select matches(guard_runs('select guard_deep(1)'), '^54001\|stack depth limit exceeded', 'a stack that is too deep');
select is(guard_runs('select pg_cancel_backend(pg_backend_pid()), pg_sleep(5)'),
          '57014|canceling statement due to user request|-|-', 'a cancel');
select ok(guard_restores(), 'a caught error leaves everything as it was');
select ok(guard_lets_through(), 'an exception that passes through leaves the error stack as it was');

-- outside of it
select throws_ok($$ select guard_outside('plain') $$, 'P0001', 'plain', 'an error outside of the guard is an ordinary one');

-- (b) exceptions
select throws_ok($$ select guard_throws('runtime_error') $$, 'XX000', 'thrown', 'an exception becomes an error');
select throws_ok($$ select guard_throws('invalid_argument') $$, '22023', 'bad argument', 'a bad argument');
select throws_ok($$ select guard_throws('bad_alloc') $$, '53200', 'out of memory', 'no memory');
select throws_ok($$ select guard_throws('number') $$, 'XX000', 'unknown C++ exception', 'something else');
select throws_ok($$ select guard_throws('failure') $$, '22023', 'not understood', 'a failure of the pure layers');
select throws_ok($$ select guard_throws('long') $$, 'XX000', repeat('x', 1023), 'a message that is too long is cut');
select throws_ok($$ select guard_throws('error') $$, '42501', 'refused', 'an error of PostgreSQL stays what it was');
select throws_ok($$ select guard_through('on its way') $$, '23514', 'on its way', 'also when nobody catches it');

-- (c) there and back again: C++, PostgreSQL, C++, PostgreSQL
select is(guard_runs($$ select guard_throws('error') $$), '42501|refused|a detail|a hint', 'a callback that throws');
select is(guard_runs($$ select guard_outside('plain') $$), 'P0001|plain|-|-', 'a callback that raises');
select is(guard_runs($$ select guard_runs($q$ select guard_through('deep') $q$) $$), 'not raised', 'a callback that catches');
select is(guard_runs($$ do 'begin perform guard_throws(''number''); exception when others then null; end' $$), 'not raised',
          'an exception caught in SQL');

select is(guard_alive(), 0, 'every destructor has run');
select * from finish();
rollback;
