package cli

import (
	"context"
	"encoding/json"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

// Open connects what a command needs; the configuration's role says what
// that is. The function it returns closes everything again.
//
//	RoleOffline  Decode, Meta: no connection
//	RoleStarter  Decode, Start, Runs, Steer, WhatIf, Schedules, Orgs, Loads, Notices,
//	             Flows, FlowCalls, FlowDefinitions, Data, AdminLink, Audit
//	RoleMigrate  Migrate: the database only, its schema as it is
//	RoleServer   Serve
//	RoleDoctor   Doctor, whatever can be connected; never an error
type Open func(ctx context.Context, c config.Config) (Backend, func() error, error)

// Backend is what commands work with. Fields a role does not need may be nil.
type Backend struct {
	// Decode reads and validates a job, like api.Deps.Decode.
	Decode    func(raw []byte) (orgflow.Job, error)
	Start     api.Starter
	Runs      api.Runs
	Steer     api.Steerer
	WhatIf    api.WhatIf
	Schedules api.Schedules
	Orgs      api.Orgs
	Loads     Loads
	Notices   Notices
	Meta      Meta
	Flows     api.Flows
	FlowCalls api.FlowCalls
	// FlowDefinitions are those of approval flows.
	FlowDefinitions FlowDefinitions
	Data            Data
	// Audit writes down who did what to what, and from where.
	Audit func(ctx context.Context, who, action, subject, origin string) error
	// AdminLink makes a link by which an administrator signs in on this
	// machine, once.
	AdminLink func(ctx context.Context) (string, error)
	// Migrate brings the database schema up to date and returns its version
	// before and after.
	Migrate func(ctx context.Context) (before, after int64, err error)
	// Doctor examines the installation.
	Doctor api.Doctor
	// Serve runs API and console until ctx ends.
	Serve func(ctx context.Context) error
}

// Meta looks at mapping files without touching any system.
type Meta interface {
	// Lint returns everything that is wrong or doubtful in the files of a
	// company and those shipped; company 0 is every company.
	Lint(ctx context.Context, company int64) ([]orgflow.Problem, error)
	// LintFlows does the same for the files of approval flows alone.
	LintFlows(ctx context.Context, company int64) ([]orgflow.Problem, error)
	// Preview shows one source row's way through the files.
	Preview(ctx context.Context, r PreviewRequest) (Preview, error)
	// Sign shows how a consumer's connector would sign a call.
	Sign(ctx context.Context, r SignRequest) (Signed, error)
}

// PreviewRequest names the files and gives the row.
type PreviewRequest struct {
	CompanyID int64 // 0: the only configured company
	Service   string
	Consumer  string
	State     string // extra_property.state of the job; empty without one
	Row       json.RawMessage
}

// Preview is a row's way: source → standard record → consumer payload.
type Preview struct {
	Text   string // for people
	Detail any    // for programs
	// Refused: the row would be set aside, or not be sent.
	Refused bool
}

// with opens the backend of a role, runs f and closes it again.
func (p *program) with(ctx context.Context, role config.Role, f func(Backend) error) error {
	c, err := p.load(role)
	if err != nil {
		return err
	}
	p.warn(c.Warnings)
	b, closeAll, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() {
		if err := closeAll(); err != nil {
			p.say("warning: close: %v", err) // what was asked for is done
		}
	}()
	return f(p.audited(b))
}

// warn says what is doubtful about the settings, once per program.
func (p *program) warn(warnings []string) {
	for _, w := range warnings {
		if !p.warned {
			p.say("warning: %s", w)
		}
	}
	p.warned = true
}
