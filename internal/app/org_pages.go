package app

import (
	"context"
	"fmt"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/console"
	"orgflow/internal/store"
)

// Organisations implements console.Orgs.
func (o *Orgs) Organisations() []console.Organisation {
	var out []console.Organisation
	for _, id := range o.app.Meta.Companies() {
		company, err := o.app.Meta.Company(id)
		if err != nil {
			o.app.Log.Warn("company cannot be read", "company", id, "error", err)
			continue
		}
		for _, origin := range []string{"ding_talk", "we_com"} {
			if company.HasConsumer(origin) {
				out = append(out, console.Organisation{CompanyID: id, Company: company.Name, Origin: origin})
			}
		}
	}
	return out
}

// OrgVersion implements console.Orgs.
func (o *Orgs) OrgVersion(ctx context.Context, q api.OrgQuery) (orgflow.OrgVersion, error) {
	_, version, err := o.version(ctx, q)
	return version, err
}

// MembersIn implements console.Orgs.
func (o *Orgs) MembersIn(ctx context.Context, v orgflow.OrgVersion, unit int64, cursor string, limit int) (api.MemberPage, error) {
	return members(o.app.Store.MembersIn(ctx, targetOf(v), v.Version, unit, cursor, limit))
}

// Person implements console.Orgs.
func (o *Orgs) Person(ctx context.Context, v orgflow.OrgVersion, member int64) (api.OrgMember, error) {
	person, err := o.app.Store.MemberIn(ctx, targetOf(v), v.Version, member)
	if err != nil {
		return api.OrgMember{}, noMember(v, err)
	}
	page, err := members([]store.OrgPerson{person}, "", nil)
	if err != nil {
		return api.OrgMember{}, err
	}
	return page.Members[0], nil
}

// PersonOf implements console.Orgs.
func (o *Orgs) PersonOf(ctx context.Context, v orgflow.OrgVersion, userID string) (orgflow.OrgMember, error) {
	m, err := o.app.Store.MemberOf(ctx, targetOf(v), v.Version, userID)
	return m, noMember(v, err)
}

func noMember(v orgflow.OrgVersion, err error) error {
	if !isNotFound(err) {
		return err
	}
	return &orgflow.Fault{
		Code: orgflow.CodeNotFound, Message: fmt.Sprintf("version %d of the organisation has nobody with this id", v.Version),
		Advice: "look at an earlier version: whoever was removed is in the versions before", Err: err,
	}
}

// RecordsOf implements console.Orgs. A person has the same source id for
// every consumer.
func (o *Orgs) RecordsOf(ctx context.Context, v orgflow.OrgVersion, userID string) ([]console.Record, error) {
	company, err := o.app.Meta.Company(v.CompanyID)
	if err != nil {
		return nil, err
	}
	sources, err := o.app.Store.SourcesOf(ctx, targetOf(v), userID)
	if err != nil {
		return nil, err
	}
	var out []console.Record
	for _, source := range sources {
		for _, consumer := range company.Consumers() {
			out = append(out, console.Record{
				Target: orgflow.Target{CompanyID: v.CompanyID, Consumer: consumer}, Key: orgflow.RecordKey{Kind: orgflow.Person, ID: source},
			})
		}
	}
	return out, nil
}

// ParkedRemovals implements console.Orgs.
func (o *Orgs) ParkedRemovals(ctx context.Context, id string, limit int) ([]orgflow.OrgChange, error) {
	pull, err := o.app.Store.GetPull(ctx, id)
	if err != nil {
		return nil, noPull(id, err)
	}
	if pull.Summary.Status != orgflow.StatusAwaitingApproval {
		return nil, nil
	}
	return o.app.Store.ParkedRemovals(ctx, pull, limit)
}

func targetOf(v orgflow.OrgVersion) orgflow.Target {
	return orgflow.Target{CompanyID: v.CompanyID, Consumer: v.Origin}
}
