#include "core/view.h"

#include "base/alloc.h"
#include "core/status.h"

struct view {
	struct weir_metrics *metrics;
	struct weir_ledger *ledger;
	struct weir_standing standing;
};

void weir_view_note(struct weir_gateway *g)
{
	struct weir_vitals vitals = {
		.heap_blocks = weir_alloc_live(),
		.heap_calls = weir_alloc_calls(),
		.log_dropped = g->log_dropped ? g->log_dropped(g->callbacks_arg) : 0,
		.spans = weir_exporter_counts(g->exporter),
	};

	weir_process_look(&vitals.process);
	weir_metrics_note(g->metrics, &vitals);
}

static void end(struct view *view, const struct weir_gateway *g)
{
	if (!g->shm)
		return;
	weir_ledger_destroy(view->ledger);
	weir_metrics_destroy(view->metrics);
}

static int begin(struct view *view, struct weir_gateway *g)
{
	weir_view_note(g);
	*view = (struct view){ .metrics = g->metrics, .standing = weir_gateway_standing(g) };
	if (!g->shm)
		return 0;
	view->metrics = weir_metrics_sum(g->shm);
	if (view->metrics)
		view->ledger = weir_ledger_create(view->metrics, g->now->config);
	view->standing.ledger = view->ledger;
	if (view->ledger)
		return 0;
	end(view, g);
	return WEIR_ENOMEM;
}

int weir_view_metrics(struct weir_gateway *g, struct weir_metrics_wish wish, struct weir_buf *out)
{
	struct view view;
	int rc = begin(&view, g);

	if (rc)
		return rc;
	rc = weir_metrics_text(view.metrics, &view.standing, wish, out);
	end(&view, g);
	return rc;
}

int weir_view_status(struct weir_gateway *g, struct weir_recent_since since, struct weir_buf *out)
{
	struct view view;
	int rc = begin(&view, g);

	if (rc)
		return rc;
	rc = weir_status_put(view.metrics, g->recent, &view.standing, since, out);
	end(&view, g);
	return rc;
}
