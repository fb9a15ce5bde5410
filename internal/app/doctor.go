package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/doctor"
	"orgflow/internal/store"
	"orgflow/internal/transport"
	"orgflow/meta"
)

// Doctor examines an installation. Of a program that is open it uses what
// that has; else it opens what it can, and says what it cannot.
type Doctor struct {
	app  *App
	own  bool // app is the doctor's, and parts of it may be missing
	wire http.RoundTripper
	// turn holds a token for the one examination at a time: each asks every
	// vendor for a token.
	turn chan struct{}
}

// Doctor returns what examines this installation.
func (a *App) Doctor() *Doctor {
	d := &Doctor{app: a, wire: transport.NewBase(a.Config.Egress), turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	return d
}

// NewDoctor returns what examines an installation by its settings alone,
// parts of which may be unusable. Nothing is opened before it is asked.
func NewDoctor(cfg config.Config, options ...Option) (*Doctor, error) {
	a, err := newApp(cfg, slog.New(slog.DiscardHandler), options) // the findings tell
	if err != nil {
		return nil, err
	}
	d := a.Doctor()
	d.own = true
	return d, nil
}

// Close releases what was opened.
func (d *Doctor) Close() error {
	if !d.own {
		return nil
	}
	return d.app.Close()
}

// Examine makes all checks. It always answers: what cannot be looked at is a
// finding.
func (d *Doctor) Examine(ctx context.Context, r doctor.Request) doctor.Report {
	var report doctor.Report
	select {
	case <-d.turn:
		defer func() { d.turn <- struct{}{} }()
	case <-ctx.Done():
		report.Add(doctor.Finding{State: doctor.Failed, Area: doctor.AreaHTTP, Check: "doctor", Found: "another examination is under way", Advice: "ask again in half a minute"})
		return report
	}
	report.Add(doctor.Settings(r.Settings, d.app.Config.Warnings)...)
	companies, found := d.companies(r.CompanyID)
	report.Add(found...)
	opened := make(chan *store.Store, 1)
	report.Add(doctor.Run(ctx, d.reaching(opened))...)
	select {
	case d.app.Store = <-opened:
	default: // it was open, cannot be opened, or not in time
	}

	var checks []doctor.Check
	for _, part := range []struct {
		there bool
		why   string
		list  []doctor.Check
	}{
		{d.app.Store != nil, "the database cannot be used", d.database()},
		{d.app.dialled() != nil, "Temporal cannot be used", d.temporal(r.CompanyID)},
		{true, "", slices.Concat(d.machine(), d.connections(companies))},
	} {
		if part.there {
			checks = append(checks, part.list...)
		} else {
			report.Add(doctor.Not(part.list, part.why))
		}
	}
	report.Add(doctor.Run(ctx, checks)...)
	return d.veiled(report)
}

// veiled masks secrets that somebody else's message may have repeated.
func (d *Doctor) veiled(r doctor.Report) doctor.Report {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Area == doctor.AreaSettings {
			continue // ours alone, without values, but with URLs as examples
		}
		f.Found, f.Advice = d.app.veil.Text(f.Found), d.app.veil.Text(f.Advice)
	}
	return r
}

// companies opens the files, checks them, and returns the companies that are
// to be examined. The shipped demo company is not, once there is another.
func (d *Doctor) companies(only int64) ([]meta.Company, []doctor.Finding) {
	if d.app.Meta == nil {
		files, err := meta.Open(d.app.Config.MetaDir, d.app.getenv, d.app.files()...)
		if err != nil {
			return nil, named(doctor.AreaFiles, doctor.Faulted("mapping", err))
		}
		d.app.Meta = files
	}
	ids := d.app.Meta.Companies()
	if only != 0 {
		ids = []int64{only}
	}
	var list []meta.Company
	found := doctor.Files(0, d.lint(0))
	for _, id := range ids {
		company, err := d.app.Meta.Company(id)
		if err != nil {
			found = append(found, named(doctor.AreaFiles, doctor.Faulted("company", err))...)
			continue
		}
		list = append(list, company)
	}
	if only == 0 && slices.ContainsFunc(list, func(c meta.Company) bool { return !c.Shipped() }) {
		list = slices.DeleteFunc(list, meta.Company.Shipped)
	}
	for _, company := range list {
		found = append(found, doctor.Files(company.ID, d.lint(company.ID))...)
	}
	return list, found
}

// lint leaves out what all companies share, of a company, and references that
// cannot be resolved: the connections name those.
func (d *Doctor) lint(company int64) []orgflow.Problem {
	shared := map[orgflow.Problem]bool{}
	if company != 0 {
		for _, p := range d.app.Meta.Lint(0) {
			shared[p] = true
		}
	}
	return slices.DeleteFunc(d.app.Meta.Lint(company), func(p orgflow.Problem) bool {
		return shared[p] || p.Warning && strings.HasPrefix(p.Message, "refers to ${")
	})
}

func named(area string, findings []doctor.Finding) []doctor.Finding {
	for i := range findings {
		findings[i].Area = area
	}
	return findings
}

// reaching opens database, which goes to opened, and Temporal.
func (d *Doctor) reaching(opened chan<- *store.Store) []doctor.Check {
	return []doctor.Check{
		{Area: doctor.AreaDatabase, Name: "reachable", Limit: 8 * time.Second, Look: func(ctx context.Context) []doctor.Finding {
			return d.reachDatabase(ctx, opened)
		}},
		{Area: doctor.AreaTemporal, Name: "reachable", Limit: 8 * time.Second, Look: d.reachTemporal},
	}
}

func (d *Doctor) reachDatabase(ctx context.Context, opened chan<- *store.Store) []doctor.Finding {
	cfg := d.app.Config.Database
	if cfg.DSN == "" {
		return []doctor.Finding{{State: doctor.Skipped, Found: "not looked at: no database is set"}}
	}
	var err error
	if d.app.Store != nil {
		err = d.app.Store.DB().PingContext(ctx)
	} else {
		var s *store.Store
		if s, err = store.Open(ctx, cfg.DSN, store.Options{Existing: true}); err == nil {
			opened <- s
		}
	}
	if err != nil {
		return []doctor.Finding{{State: doctor.Failed, Found: err.Error(), Advice: "start the database, or correct " + store.Setting}}
	}
	return []doctor.Finding{{State: doctor.OK, Found: cfg.String()}}
}

// database are the checks of a database that answers.
func (d *Doctor) database() []doctor.Check {
	check := func(name string, look func(context.Context) (doctor.Finding, error)) doctor.Check {
		return doctor.Check{Area: doctor.AreaDatabase, Name: name, Look: one(name, look)}
	}
	return []doctor.Check{
		check("version", func(ctx context.Context) (doctor.Finding, error) {
			text, postgres, err := d.app.Store.Server(ctx)
			return doctor.Version(text, postgres), err
		}),
		check("schema", func(ctx context.Context) (doctor.Finding, error) {
			if err := d.app.Store.CheckSchema(ctx); errors.Is(err, store.ErrSchema) {
				return doctor.Finding{State: doctor.Failed, Found: err.Error(), Advice: "starter migrate, with the newest program"}, nil
			} else if err != nil {
				return doctor.Finding{}, err
			}
			return doctor.Finding{State: doctor.OK, Found: "up to date"}, nil
		}),
		check("writing", func(ctx context.Context) (doctor.Finding, error) {
			schema := d.app.Store.CheckSchema(ctx)
			if errors.Is(schema, store.ErrSchema) {
				return doctor.Finding{State: doctor.Skipped, Found: "not tried before the schema is up to date"}, nil
			}
			if schema != nil {
				return doctor.Finding{}, schema
			}
			return doctor.Writable(d.app.Store.CheckWrite(ctx)), nil
		}),
		check("clock", func(ctx context.Context) (doctor.Finding, error) {
			r := doctor.Reading{Asked: d.app.now()}
			var err error
			r.Shown, err = d.app.Store.Clock(ctx)
			r.Answered = d.app.now()
			return doctor.Clock("the database's", r), err
		}),
	}
}

// one makes a look of a function that comes to one finding.
func one(check string, look func(context.Context) (doctor.Finding, error)) func(context.Context) []doctor.Finding {
	return func(ctx context.Context) []doctor.Finding {
		f, err := look(ctx)
		if err != nil {
			return doctor.Faulted(check, err)
		}
		return []doctor.Finding{f}
	}
}
