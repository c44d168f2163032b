#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

static char *kept = NULL;

static void
keep(void)
{
}

void
_PG_init(void)
{
	DefineCustomStringVariable("keeper.kept", "Which hook is kept.", NULL, &kept, "request", PGC_POSTMASTER, 0, NULL, NULL, NULL);
#if PG_VERSION_NUM >= 150000
	if (strcmp(kept, "request") == 0)
		shmem_request_hook = keep;
	else
#endif
		shmem_startup_hook = keep;
}
