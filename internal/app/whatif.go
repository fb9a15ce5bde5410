package app

import (
	"context"
	"encoding/json"
	"time"

	"orgflow"
	"orgflow/activities"
)

// WhatIf answers what a run would do with rows that the source does not
// have. It needs the database and the files, and no Temporal.
func (r *Runs) WhatIf(ctx context.Context, job orgflow.Job, rows json.RawMessage) (orgflow.WhatIf, error) {
	sync := &activities.Sync{Store: r.app.Store, Files: r.app.Meta, Connectors: r.app.Connectors, Now: time.Now}
	return sync.WhatIf(ctx, job, rows)
}
