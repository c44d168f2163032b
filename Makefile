# Builds pgrest with PGXS: make, make install, make installcheck, make clean. PG_CONFIG chooses the PostgreSQL.
# COPT=-Werror makes warnings errors, as CI does; not the default, since other compilers know other warnings.

MODULE_big = pgrest
EXTENSION = pgrest
DATA = $(wildcard sql/pgrest--*.sql)

SOURCES = $(sort $(wildcard src/*.cpp src/*/*.cpp))
OBJS = $(SOURCES:.cpp=.o)

# make installcheck: test/sql/NAME.sql against expected/NAME.out (to which test/expected points), in a running server
# that preloads pgrest. "configure" gives it the settings of the tests, "restore" gives them back. The test "unloaded" is
# for a server that does not preload it: make installcheck REGRESS=unloaded
REGRESS = configure extension settings token request encoding server restore
REGRESS_OPTS = --inputdir=test

EXTRA_CLEAN = .deps results regression.diffs regression.out

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)

# PostgreSQL's headers are system headers: our warnings are not about them.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -fvisibility=hidden -fvisibility-inlines-hidden $(COPT)
SHLIB_LINK = -lmicrohttpd -ljansson -lcrypto -lstdc++

# Bitcode for JIT inlining is compiled with flags that know no C++20, and nothing of ours is worth inlining.
override with_llvm = no

include $(PGXS)

# Before PostgreSQL 16, PGDLLEXPORT is empty and everything is expected to be visible.
ifneq (,$(filter 14 15,$(MAJORVERSION)))
override CPPFLAGS += '-DPGDLLEXPORT=__attribute__((visibility("default")))'
endif

# PGXS names a dependency file after the base name alone, which is not unique here.
src/%.o: src/%.cpp
	@mkdir -p .deps
	$(COMPILE.cc) -o $@ $< -MMD -MP -MF .deps/$(subst /,-,$*).d

$(OBJS): Makefile
-include $(wildcard .deps/*.d)

.PHONY: bench soak
bench:
	test/bench/run

# make soak MINUTES=30 SEED=7
soak:
	script/soak $(MINUTES) $(SEED)
