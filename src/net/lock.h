/* What the libraries below keep once for the whole process begins and ends under one lock,
 * because gateways may live on several threads. */
#pragma once

void weir_process_lock(void);
void weir_process_unlock(void);
