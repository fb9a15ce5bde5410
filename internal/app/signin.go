package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/signin"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// dingTalk is the consumer through which people sign in.
const dingTalk = "ding_talk"

// SignIn returns what signs people in.
func (a *App) SignIn() *signin.Service {
	return signin.New(signin.Deps{
		Store: a.Store, Companies: people{a}, Pages: web.New(), Logger: a.Log, RequestID: api.RequestID,
		Now:  a.now,
		Open: len(a.Config.APIKeys) == 0 && config.Loopback(a.Config.HTTPAddr),
	})
}

// AdminLink makes a link by which an administrator signs in on this machine.
func (a *App) AdminLink(ctx context.Context) (string, error) {
	_, port, err := net.SplitHostPort(a.Config.HTTPAddr)
	if err != nil {
		return "", fmt.Errorf("ORGFLOW_HTTP_ADDR: %w", err)
	}
	if err := a.Store.CheckSchema(ctx); err != nil {
		return "", err
	}
	host := "127.0.0.1" // a server on all interfaces listens there too
	if config.Loopback(a.Config.HTTPAddr) {
		host, _, _ = net.SplitHostPort(a.Config.HTTPAddr)
	}
	return a.SignIn().AdminLink(ctx, "http://"+net.JoinHostPort(host, port))
}

// people implements signin.Companies with the company files, the connectors
// and the local organisation.
type people struct{ app *App }

// Companies implements signin.Companies.
func (p people) Companies() []signin.Company {
	var out []signin.Company
	for _, id := range p.app.Meta.Companies() {
		company, err := p.app.Meta.Company(id)
		if err != nil {
			p.app.Log.Warn("company cannot be read", "company", id, "error", err)
			continue
		}
		if company.HasConsumer(dingTalk) {
			out = append(out, signin.Company{ID: id, Name: company.Name})
		}
	}
	return out
}

// Door implements signin.Companies.
func (p people) Door(id int64) (connectors.SignIn, error) {
	company, err := p.app.Meta.Company(id)
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	if err := company.Connection(dingTalk, &raw); err != nil {
		return nil, err
	}
	consumer, err := p.app.Connectors.Consumer(connectors.Settings{CompanyID: id, Name: dingTalk, JSON: raw})
	if err != nil {
		return nil, err
	}
	door, ok := consumer.(connectors.SignIn)
	if !ok {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "nobody can sign in through %s", dingTalk)
	}
	return door, nil
}

// Written implements signin.Companies.
func (p people) Written(id int64) map[string]string {
	company, err := p.app.Meta.Company(id)
	if err != nil {
		return nil // Door tells
	}
	return company.Written(dingTalk)
}

// Identify implements signin.Companies. Roles and code are those of this
// moment: a change in company.json counts with the next request.
func (p people) Identify(ctx context.Context, id int64, userID string) (signin.Identity, error) {
	company, err := p.app.Meta.Company(id)
	if err != nil {
		return signin.Identity{}, err
	}
	who, member, err := p.here(ctx, id, userID)
	if err != nil {
		return who, err
	}
	// Somebody without any role reads, but where there are several companies:
	// what can be read is not told apart by company.
	if len(p.app.Meta.Companies()) == 1 {
		who.Access = config.AccessRead
	}
	above := map[int64]bool{}
	if who.Here {
		if above, err = p.above(ctx, id, member); err != nil {
			return who, err
		}
	}
	for level := config.AccessRead; level <= config.AccessAdmin; level++ {
		for _, entry := range company.Role(level.String()) {
			if level <= who.Access {
				continue
			}
			held, err := p.holds(ctx, id, entry, who.Code, above)
			if err != nil {
				return who, err
			}
			if held {
				who.Access = level
			}
		}
	}
	return who, nil
}

// here finds a member of DingTalk in the local organisation. Who is not in it
// (yet) goes by the userid. Either way the code must be theirs alone.
func (p people) here(ctx context.Context, id int64, userID string) (who signin.Identity, member int64, err error) {
	target := orgflow.Target{CompanyID: id, Consumer: dingTalk}
	who.Code = userID
	switch version, err := p.app.Store.LatestVersion(ctx, target); {
	case err == nil:
		who.AsOf = version.At
	case !errors.Is(err, store.ErrNotFound):
		return who, 0, err
	}
	switch m, err := p.app.Store.UserByID(ctx, target, userID); {
	case err == nil:
		who.Here, who.Code, member = true, m.UserCode(), m.ID
	case !errors.Is(err, store.ErrNotFound):
		return who, 0, err
	}
	switch owner, err := p.app.Store.UserByCode(ctx, id, who.Code); {
	case errors.Is(err, store.ErrAmbiguous), err == nil && owner.UserID != userID:
		return who, 0, fmt.Errorf("user code %q: %w", who.Code, signin.ErrAmbiguous)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return who, 0, err
	}
	return who, member, nil
}

// above returns a member's departments and all above them.
func (p people) above(ctx context.Context, id, member int64) (map[int64]bool, error) {
	units, err := p.app.Store.DepartmentsOf(ctx, id, member)
	if err != nil {
		return nil, err
	}
	all := map[int64]bool{}
	for _, u := range units {
		all[u.ID] = true
		parents, err := p.app.Store.DepartmentParents(ctx, id, u.ID)
		if err != nil {
			return nil, err
		}
		for _, parent := range parents {
			all[parent.ID] = true
		}
	}
	return all, nil
}

// departmentEntry begins an entry of a role that means a department and all
// below it, by code or by id at the origin. Names will not do: who may rename
// departments would give out roles.
const departmentEntry = "department:"

func (p people) holds(ctx context.Context, id int64, entry, code string, above map[int64]bool) (bool, error) {
	wanted, isDepartment := strings.CutPrefix(entry, departmentEntry)
	if !isDepartment {
		return entry == code, nil
	}
	if len(above) == 0 {
		return false, nil
	}
	unit, err := p.app.Store.DepartmentByCodeOrName(ctx, id, wanted)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrAmbiguous) {
		return false, nil
	}
	return err == nil && (unit.Code == wanted || unit.RemoteID == wanted) && above[unit.ID], err
}
