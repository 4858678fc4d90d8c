#include "net/lock.h"

#include <pthread.h>

#include "base/assert.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void weir_process_lock(void)
{
	int rc = pthread_mutex_lock(&mutex);

	WEIR_ASSERT(rc == 0);
}

void weir_process_unlock(void)
{
	int rc = pthread_mutex_unlock(&mutex);

	WEIR_ASSERT(rc == 0);
}
