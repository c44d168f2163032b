# The sources that need neither PostgreSQL nor libmicrohttpd: what unit tests and fuzz targets are linked with.
# Included by test/unit/Makefile and test/fuzz/Makefile, from their own folders.

ROOT ?= ../..

PURE_FOLDERS := ipc json api auth config http plan sql answer
PURE_SOURCES := $(ROOT)/src/catalog/catalog.cpp $(addprefix $(ROOT)/src/listener/,peers.cpp giving_way.cpp upload.cpp) $(foreach folder,$(PURE_FOLDERS),$(wildcard $(ROOT)/src/$(folder)/*.cpp))

COMMON_FLAGS := -std=c++20 -g -Wall -Wextra -Werror -DUSE_ASSERT_CHECKING -I$(ROOT)/src -MMD -MP
LIBRARIES := -ljansson -lcrypto

# $(call objects,FOLDER,SOURCES): where the objects of these sources go.
objects = $(patsubst $(ROOT)/src/%.cpp,$(1)/src/%.o,$(filter $(ROOT)/src/%,$(2)))
