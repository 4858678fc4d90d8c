/* Several processes that are one proxy. */
#include "config/known.h"
#include "core/callers.h"
#include "core/metrics.h"
#include "weir.h"

static void mend(struct weir_shm *shm)
{
	weir_known_mend(shm);
	weir_callers_mend(shm);
}

int weir_workers_share(struct weir_shm **shm, unsigned workers)
{
	int rc;

	*shm = NULL;
	if (workers == 0 || workers > WEIR_SHM_HOLDERS_MAX)
		return UV_EINVAL;
	rc = weir_shm_create(shm, workers);
	if (rc == 0)
		weir_shm_on_spoiled(*shm, mend);
	return rc;
}

void weir_workers_forfeit(struct weir_shm *shm, unsigned worker)
{
	weir_shm_enter(shm);
	weir_known_forfeit(shm, worker);
	weir_callers_forfeit(shm, worker);
	weir_metrics_forfeit(shm, worker);
	weir_shm_leave(shm);
}

void weir_workers_unshare(struct weir_shm *shm)
{
	weir_shm_destroy(shm);
}
