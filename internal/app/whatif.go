package app

import (
	"context"
	"time"

	"orgflow"
	"orgflow/activities"
)

// WhatIf answers what a run would do with rows that the source does not
// have, or with files that nobody has written. It needs the database and the files, and no Temporal.
func (r *Runs) WhatIf(ctx context.Context, job orgflow.Job, suppose orgflow.Supposition) (orgflow.WhatIf, error) {
	sync := &activities.Sync{Store: r.app.Store, Files: r.app.Meta, Connectors: r.app.Connectors, Now: time.Now}
	return sync.WhatIf(ctx, job, suppose)
}
