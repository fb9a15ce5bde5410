package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
	"orgflow/meta"
	"orgflow/schemas"
)

// keptDefinitions bounds the decoded definitions that are kept: versions
// never change, so that they need no expiry.
const keptDefinitions = 256

// Keeper loads flows, tells what a command would do to them, and does it. One
// value serves a whole process.
type Keeper struct {
	Store Store
	Files Files
	Now   func() time.Time
	// Notify, where given, is told that the outbox holds something new for a
	// channel of a company, once it is stored. It must not fail: who looks at
	// the outbox finds what it has missed.
	Notify func(ctx context.Context, target orgflow.Target)
	// Watch, where given, is told of each step that this process commits.
	Watch func(Stepped)

	mu          sync.Mutex
	definitions map[versionKey]*definition
	exprs       *approval.Cache
}

type versionKey struct {
	company int64
	code    string
	version int
}

// definition is a published version, decoded.
type definition struct {
	*approval.Definition
	sha256 string
	exprs  *approval.Expressions
}

// Flow is a flow as it stands in the database, with what it runs on.
type Flow struct {
	store.LoadedFlow
	Document
	Def     *approval.Definition // the version the flow runs on
	Company meta.Company
	exprs   *approval.Expressions
}

// Load returns a flow, or store.ErrNotFound. It only reads.
func (k *Keeper) Load(ctx context.Context, key store.FlowKey) (*Flow, error) {
	loaded, err := k.Store.LoadFlow(ctx, key)
	if err != nil {
		return nil, err
	}
	f := &Flow{LoadedFlow: loaded}
	if f.Document, err = DecodeDocument(loaded.StateDoc); err != nil {
		return nil, fmt.Errorf("flow %s: %w", key.No, err)
	}
	return f, k.pin(ctx, f, loaded.Version)
}

// pin gives a flow the version of the definition it runs on.
func (k *Keeper) pin(ctx context.Context, f *Flow, version int) error {
	d, err := k.definition(ctx, f.CompanyID, f.Code, version)
	if err != nil {
		return fmt.Errorf("flow %s: %w", f.No, err)
	}
	f.Def, f.exprs = d.Definition, d.exprs
	f.Company, err = k.Files.Company(f.CompanyID)
	return err
}

// Definition returns a published version of a flow code, the newest for
// version 0, or store.ErrNotFound.
func (k *Keeper) Definition(ctx context.Context, company int64, code string, version int) (*approval.Definition, error) {
	d, err := k.definition(ctx, company, code, version)
	if err != nil {
		return nil, err
	}
	return d.Definition, nil
}

func (k *Keeper) definition(ctx context.Context, company int64, code string, version int) (*definition, error) {
	if d, ok := k.known(versionKey{company, code, version}); ok {
		return d, nil
	}
	row, err := k.Store.GetDefinition(ctx, company, code, version)
	if err != nil {
		return nil, err
	}
	def := &approval.Definition{}
	if problems := schemas.Unmarshal("", row.Body, def); len(problems) > 0 { // it was checked when it was published
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	def.SetDefaults()
	def.Version = row.Version
	d := &definition{Definition: def, sha256: row.SHA256}
	if d.exprs, err = k.cache().Get(row.SHA256, def); err != nil {
		return nil, err
	}
	k.remember(versionKey{company, code, row.Version}, d)
	return d, nil
}

func (k *Keeper) known(key versionKey) (*definition, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d, ok := k.definitions[key]
	return d, ok && key.version != 0
}

func (k *Keeper) remember(key versionKey, d *definition) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.definitions == nil || len(k.definitions) >= keptDefinitions {
		k.definitions = map[versionKey]*definition{}
	}
	k.definitions[key] = d
}

func (k *Keeper) cache() *approval.Cache {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.exprs == nil {
		k.exprs = approval.NewCache(keptDefinitions)
	}
	return k.exprs
}

// Snapshot reads what a definition remembers of a form row.
// store.ErrNotFound: the row is not there.
func (k *Keeper) Snapshot(ctx context.Context, company int64, form approval.Form, dataID string) (json.RawMessage, error) {
	var body json.RawMessage
	if form.Table != "" {
		row, err := k.Store.TableRow(ctx, store.TableKey{Table: form.Table, Column: form.Key, DataID: dataID})
		if err != nil {
			return nil, err
		}
		body = row
	} else {
		row, err := k.Store.GetRow(ctx, store.RowKey{CompanyID: company, Board: form.Board, DataID: dataID})
		if err != nil {
			return nil, err
		}
		body = row.Body
	}
	if form.Snapshot == nil {
		return body, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("row %q of board %s: %w", dataID, form.Board, err)
	}
	kept := make(map[string]json.RawMessage, len(form.Snapshot))
	for _, name := range form.Snapshot {
		if value, ok := all[name]; ok {
			kept[name] = value
		}
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("row %q of board %s: %w", dataID, form.Board, err)
	}
	return raw, nil
}

// Try tells what a command would do to a flow now. It changes nothing. The
// error is an *approval.Refusal where the command would be refused.
func (k *Keeper) Try(ctx context.Context, f *Flow, cmd approval.Command) (approval.Outcome, error) {
	t, err := k.prepare(ctx, f, cmd)
	if err != nil {
		return approval.Outcome{}, err
	}
	return approval.Step(t.flow.Def, t.flow.State, cmd, t.world)
}

// trial is a flow prepared for one command.
type trial struct {
	flow  *Flow // with the form's newest snapshot where the command takes it
	world *world
}

// prepare takes a new snapshot of the form for commands that look at it anew,
// and the newest definition for a relaunch that wants it. A row that is gone
// leaves the snapshot as it is: the flow goes on with what was decided on.
func (k *Keeper) prepare(ctx context.Context, f *Flow, cmd approval.Command) (*trial, error) {
	fresh := *f
	switch cmd.(type) {
	case approval.DoRelaunch:
		if fresh.Def.Policy.Relaunch.Definition == approval.LatestVersion {
			if err := k.pin(ctx, &fresh, 0); err != nil {
				return nil, err
			}
		}
	case approval.DoLaunch, approval.DoAudits, approval.DoRepair:
	default:
		return &trial{&fresh, k.newWorld(ctx, &fresh)}, nil
	}
	form, err := k.Snapshot(ctx, f.CompanyID, fresh.Def.Form, f.DataID)
	switch {
	case err == nil:
		fresh.Form = form
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	return &trial{&fresh, k.newWorld(ctx, &fresh)}, nil
}

// Predict tells who comes next in a flow that runs, if everybody approves and
// nothing changes meanwhile. It only reads.
func (k *Keeper) Predict(ctx context.Context, key store.FlowKey) ([]approval.Predicted, error) {
	f, err := k.Load(ctx, key)
	if err != nil || f.State == nil {
		return nil, err
	}
	return approval.Predict(f.Def, f.State, f.Initiator.Code, k.newWorld(ctx, f))
}

// Tell tells senders of messages that were stored for channels.
func (k *Keeper) Tell(ctx context.Context, company int64, channels []string) {
	if k.Notify == nil {
		return
	}
	for _, channel := range channels {
		k.Notify(ctx, orgflow.Target{CompanyID: company, Consumer: channel})
	}
}
