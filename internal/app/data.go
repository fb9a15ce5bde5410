package app

import (
	"context"
	"time"

	"orgflow"
)

// dataDesk looks after what is stored, for the command line. It needs no
// Temporal.
type dataDesk struct{ app *App }

// Lives tells how long the rows of every table are kept, by the settings.
func (d dataDesk) Lives(ctx context.Context) ([]orgflow.TableLife, error) {
	if err := d.app.Store.CheckSchema(ctx); err != nil {
		return nil, err
	}
	return d.app.Store.Lives(ctx, d.app.Config.Keep, time.Now())
}

// Prune removes the rows whose time is over.
func (d dataDesk) Prune(ctx context.Context, told func(orgflow.Pruned)) (orgflow.Pruned, error) {
	if err := d.app.Store.CheckSchema(ctx); err != nil {
		return nil, err
	}
	return d.app.Store.Prune(ctx, d.app.Config.Keep, time.Now(), told)
}

// Export returns all that is stored about somebody.
func (d dataDesk) Export(ctx context.Context, company int64, person, by, origin string) (orgflow.PersonExport, error) {
	if err := d.app.Store.CheckSchema(ctx); err != nil {
		return orgflow.PersonExport{}, err
	}
	return d.app.Store.ExportPerson(ctx, company, person, by, origin)
}

// Erase removes what is stored about somebody.
func (d dataDesk) Erase(ctx context.Context, r orgflow.EraseRequest) (orgflow.Erasure, error) {
	if err := d.app.Store.CheckSchema(ctx); err != nil {
		return orgflow.Erasure{}, err
	}
	return d.app.Store.ErasePerson(ctx, r)
}

// Backup copies a SQLite database into a new file, whatever its schema.
func (d dataDesk) Backup(ctx context.Context, path string) error {
	return d.app.Store.Backup(ctx, path)
}
