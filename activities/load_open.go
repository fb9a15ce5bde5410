package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/erp"
	"orgflow/internal/store"
)

// erpClock is the clock that an ERP's times are read off: China's, which has
// no summer time (Kingdee reference § 4.3).
var erpClock = time.FixedZone("UTC+8", 8*60*60)

// maxCatchUps bounds the windows that catch up with what was saved while the
// load ran. Each is as long as the one before took, so that two are the rule.
const maxCatchUps = 5

// farAhead ends windows that catch up: rows saved while one is read must not
// leave it. No clock is that far ahead.
const farAhead = 10

// loadPlan is what a load is frozen to, so that files and metadata that
// change meanwhile do not make two halves that do not fit.
type loadPlan struct {
	Config erp.Config  `json:"config"`
	Tables []erp.Table `json:"tables"` // with the columns that are filled
	// Modified is the field that says when a row was saved; empty without one.
	Modified string `json:"modified,omitempty"`
}

func planOf(load store.Load) (loadPlan, error) {
	var p loadPlan
	if err := json.Unmarshal(load.Plan, &p); err != nil {
		return p, fmt.Errorf("plan of load %s: %w", load.ID, err)
	}
	return p, nil
}

// OpenLoad reads the form's metadata, freezes what is loaded and makes the
// tables ready. Repeating it finds that done.
func (l *Loads) OpenLoad(ctx context.Context, p LoadParams) (LoadShare, error) {
	defer keepAlive(ctx)()
	out, err := l.open(ctx, p.LoadID)
	return out, temporalError(err)
}

func (l *Loads) open(ctx context.Context, id string) (LoadShare, error) {
	load, err := l.Store.GetLoad(ctx, id)
	if err != nil {
		return LoadShare{}, err
	}
	if load.Plan == nil {
		opened, err := l.opened(ctx, load)
		if err != nil {
			return LoadShare{}, err
		}
		if err := l.Store.OpenLoad(ctx, id, opened); err != nil {
			return LoadShare{}, err
		}
	}
	return l.share(ctx, id)
}

// share says how far the load has come.
func (l *Loads) share(ctx context.Context, id string) (LoadShare, error) {
	load, err := l.Store.GetLoad(ctx, id)
	if err != nil {
		return LoadShare{}, err
	}
	windows, err := l.Store.LoadWindows(ctx, id)
	out := LoadShare{Summary: load.Summary}
	for _, w := range windows {
		if !w.Done {
			out.Windows = append(out.Windows, WindowRef{Table: w.Table, Seq: w.Seq})
		}
	}
	return out, err
}

// opened decides what the load fills, and from when.
func (l *Loads) opened(ctx context.Context, load store.Load) (store.OpenedLoad, error) {
	var out store.OpenedLoad
	cfg, err := l.Files.Form(load.Input.CompanyID, load.Input.FormID)
	if err != nil {
		return out, err
	}
	form, err := l.form(ctx, load)
	if err != nil {
		return out, err
	}
	tables, problems := erp.Tables(cfg, form)
	if tables == nil {
		return out, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: inFormFile(problems, load.Input)}
	}
	for _, p := range problems {
		out.Notes = append(out.Notes, p.Message)
	}
	plan := loadPlan{Config: cfg.WithDefaults(), Modified: erp.Modified(cfg, tables[0])}
	for _, table := range tables {
		if err := l.fit(ctx, load.Input.Kind, plan, &table, &out); err != nil {
			return out, err
		}
		plan.Tables = append(plan.Tables, table)
	}
	for no := range tables {
		for _, w := range erp.Windows(load.Input.Kind, load.Input.Deep, cfg, load.Summary.StartedAt.In(erpClock)) {
			out.Windows = append(out.Windows, store.LoadWindow{Table: no, Seq: w.Seq, From: w.From, Until: w.Until})
		}
	}
	out.Plan, err = json.Marshal(plan)
	return out, err
}

func (l *Loads) form(ctx context.Context, load store.Load) (form orgflow.ERPForm, err error) {
	client, err := l.ERPs.ERP(load.Input.CompanyID)
	if err != nil {
		return form, err
	}
	spent, _, err := patiently(ctx, l.Sleep, func() (int, error) {
		form, err = client.Form(ctx, load.Input.FormID)
		return 1, err
	})
	if counted := l.Store.AddLoadCalls(context.WithoutCancel(ctx), load.ID, spent); counted != nil {
		return form, counted
	}
	return form, err
}

func inFormFile(problems []orgflow.Problem, in orgflow.LoadInput) []orgflow.Problem {
	out := slices.Clone(problems)
	for i := range out {
		out[i].File = fmt.Sprintf("companies/%d/forms/%s.json", in.CompanyID, in.FormID)
	}
	return out
}

// fit narrows a table to the columns that are filled: for a create all of
// them, for an update those that the local table has or gets. The plan holds
// the tables before it.
func (l *Loads) fit(ctx context.Context, kind orgflow.LoadKind, plan loadPlan, table *erp.Table, out *store.OpenedLoad) error {
	fill := store.LoadTable{Name: table.Name, Key: table.Key[0]}
	if kind == orgflow.LoadUpdate {
		if err := l.fitLocal(ctx, plan.Config, table, &fill, out); err != nil {
			return err
		}
	}
	for _, c := range table.Columns {
		fill.Columns = append(fill.Columns, store.LoadColumn{Name: c.Name, Type: c.Type})
		if c.Field == plan.Config.DateField {
			fill.Date = c.Name
		}
		if c.Field == plan.Modified {
			fill.Modified = c.Name
		}
		if len(plan.Tables) > 0 && c.Field == plan.Tables[0].KeyFields()[0] {
			fill.Head = c.Name
		}
	}
	if fill.Date == "" {
		out.Notes = append(out.Notes, fmt.Sprintf("table %s has no column for %s, so that rows gone from the ERP are not noticed", table.Name, plan.Config.DateField))
	}
	out.Tables = append(out.Tables, fill)
	return nil
}

func (l *Loads) fitLocal(ctx context.Context, cfg erp.Config, table *erp.Table, fill *store.LoadTable, out *store.OpenedLoad) error {
	local, err := l.Store.LocalTable(ctx, table.Name)
	if errors.Is(err, store.ErrNotFound) {
		return &orgflow.Fault{
			Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no local table %s to update", table.Name),
			Advice: fmt.Sprintf("run create first: starter erp create --form %s", table.Form),
		}
	}
	if err != nil {
		return err
	}
	use, missing := erp.Evolve(*table, local.Columns)
	key := slices.IndexFunc(use, func(c erp.Column) bool { return c.Field == table.KeyFields()[0] })
	if key < 0 || !slices.Contains(local.Unique, use[key].Name) {
		return &orgflow.Fault{
			Code:    orgflow.CodeInvalidConfig,
			Message: fmt.Sprintf("table %s has no column %s that is unique for itself, so that its rows cannot be updated by key", table.Name, table.Key[0]),
			Advice:  "give the column a unique index, or run create",
		}
	}
	fill.Key = use[key].Name
	table.Key = []string{fill.Key}
	for _, c := range missing {
		name := c.Name
		if table.Entry != "" {
			name = table.Entry + "." + name
		}
		out.NewColumns = append(out.NewColumns, name)
		if cfg.Evolve {
			fill.Add = append(fill.Add, c.Name)
			use = append(use, c)
		}
	}
	if !slices.Contains(local.Columns, store.GoneColumn) {
		fill.Add = append(fill.Add, store.GoneColumn)
	}
	table.Columns = use
	return nil
}

// CatchUp adds a window for what was saved since the load began, and another
// for what was saved while that one was read, until one is a single page,
// which the ERP reads at one moment. Repeating it adds nothing while a window
// is open.
func (l *Loads) CatchUp(ctx context.Context, p LoadParams) (LoadShare, error) {
	out, err := l.catchUp(ctx, p.LoadID)
	return out, temporalError(err)
}

func (l *Loads) catchUp(ctx context.Context, id string) (LoadShare, error) {
	load, err := l.Store.GetLoad(ctx, id)
	if err != nil {
		return LoadShare{}, err
	}
	plan, err := planOf(load)
	if err != nil {
		return LoadShare{}, err
	}
	windows, err := l.Store.LoadWindows(ctx, id)
	if err != nil {
		return LoadShare{}, err
	}
	if plan.Modified != "" {
		var added []store.LoadWindow
		for no := range plan.Tables {
			if w, ok := nextCatchUp(plan.Config, no, load.Summary.StartedAt, windows); ok {
				added = append(added, w)
			}
		}
		if err := l.Store.AddLoadWindows(ctx, id, added); err != nil {
			return LoadShare{}, err
		}
	}
	return l.share(ctx, id)
}

// nextCatchUp is the window that a table still needs.
func nextCatchUp(cfg erp.Config, table int, started time.Time, windows []store.LoadWindow) (store.LoadWindow, bool) {
	since, seq, rounds := started, 0, 0
	for _, w := range windows {
		if w.Table != table {
			continue
		}
		seq = w.Seq
		if !w.CatchUp {
			continue
		}
		rounds++
		if !w.Done || w.Pages <= 1 || rounds == maxCatchUps {
			return store.LoadWindow{}, false
		}
		since = w.CreatedAt
	}
	since = since.In(erpClock)
	w := erp.CatchUp(cfg, since, since.AddDate(farAhead, 0, 0))
	return store.LoadWindow{Table: table, Seq: seq + 1, CatchUp: true, From: w.From, Until: w.Until}, true
}

// connection is a load with what it is read by.
type connection struct {
	load   store.Load
	plan   loadPlan
	client connectors.ERP
}

func (l *Loads) connect(ctx context.Context, id string) (connection, error) {
	load, err := l.Store.GetLoad(ctx, id)
	if err != nil {
		return connection{}, err
	}
	plan, err := planOf(load)
	if err != nil {
		return connection{}, err
	}
	client, err := l.ERPs.ERP(load.Input.CompanyID)
	return connection{load, plan, client}, err
}
