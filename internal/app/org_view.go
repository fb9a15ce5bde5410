package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/orgtree"
	"orgflow/internal/store"
)

// target finds whose organisation is asked for.
func (o *Orgs) target(ctx context.Context, q api.OrgQuery) (orgflow.Target, error) {
	company, err := o.app.company(q.CompanyID)
	if err != nil {
		return orgflow.Target{}, err
	}
	if q.Origin != "" {
		return orgflow.Target{CompanyID: company, Consumer: q.Origin}, nil
	}
	origin, err := o.app.Store.OrgOrigin(ctx, company)
	return orgflow.Target{CompanyID: company, Consumer: origin}, noOrganisation(company, err)
}

// company is the one that is asked for; 0 is the only configured one.
func (a *App) company(id int64) (int64, error) {
	if id != 0 {
		return id, nil
	}
	companies := a.Meta.Companies()
	if len(companies) != 1 {
		return 0, &orgflow.Fault{
			Code: orgflow.CodeInvalidRecord, Field: "company_id", Message: fmt.Sprintf("is needed: %d companies are configured", len(companies)),
		}
	}
	return companies[0], nil
}

func noOrganisation(company int64, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return &orgflow.Fault{
		Code: orgflow.CodeNotFound, Message: fmt.Sprintf("the organisation of company %d has no such version, or was never pulled", company),
		Advice: fmt.Sprintf("starter pull --company %d, or POST /api/v1/org/pulls", company), Err: err,
	}
}

// version finds the version that is asked for.
func (o *Orgs) version(ctx context.Context, q api.OrgQuery) (orgflow.Target, orgflow.OrgVersion, error) {
	target, err := o.target(ctx, q)
	if err != nil {
		return target, orgflow.OrgVersion{}, err
	}
	var version orgflow.OrgVersion
	switch {
	case q.Version > 0:
		version, err = o.app.Store.OrgVersion(ctx, target, q.Version)
	case !q.AsOf.IsZero():
		version, err = o.app.Store.VersionAsOf(ctx, target, q.AsOf)
	default:
		version, err = o.app.Store.LatestVersion(ctx, target)
	}
	return target, version, noOrganisation(target.CompanyID, err)
}

// OrgTree shows an organisation from its root.
func (o *Orgs) OrgTree(ctx context.Context, q api.OrgQuery) (api.OrgNode, error) {
	target, version, err := o.version(ctx, q)
	if err != nil {
		return api.OrgNode{}, err
	}
	if root, kept := o.trees.get(target, version.Version); kept {
		return root, nil
	}
	tree, err := o.app.Store.OrgShape(ctx, target, version.Version)
	if err != nil {
		return api.OrgNode{}, err
	}
	root := node(tree)
	o.trees.put(target, version.Version, root)
	return root, nil
}

// node makes nested nodes of a tree, siblings in their order.
func node(t orgflow.OrgTree) api.OrgNode {
	children := map[int64][]orgflow.OrgUnit{}
	for _, u := range t.Units {
		children[u.ParentID] = append(children[u.ParentID], u)
	}
	for _, list := range children {
		slices.SortFunc(list, func(a, b orgflow.OrgUnit) int {
			return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID))
		})
	}
	direct, below := counts(t)
	var build func(u orgflow.OrgUnit) api.OrgNode
	build = func(u orgflow.OrgUnit) api.OrgNode {
		n := api.OrgNode{
			ID: u.ID, Name: u.Name, RemoteID: u.RemoteID, Code: u.Code,
			MemberCount: below[u.ID], DirectCount: direct[u.ID], Children: make([]api.OrgNode, 0, len(children[u.ID])),
		}
		for _, c := range children[u.ID] {
			n.Children = append(n.Children, build(c))
		}
		return n
	}
	for _, root := range children[0] {
		return build(root)
	}
	return api.OrgNode{Children: []api.OrgNode{}}
}

// counts returns, by department, the people in it, and those in it and below,
// each once.
func counts(t orgflow.OrgTree) (direct, below map[int64]int) {
	parent := make(map[int64]int64, len(t.Units))
	for _, u := range t.Units {
		parent[u.ID] = u.ParentID
	}
	direct, below = map[int64]int{}, map[int64]int{}
	seats := map[int64][]int64{} // by member
	for _, s := range t.Seats {
		direct[s.UnitID]++
		seats[s.MemberID] = append(seats[s.MemberID], s.UnitID)
	}
	for _, units := range seats {
		counted := map[int64]bool{}
		for _, u := range units {
			for ; u != 0 && !counted[u]; u = parent[u] {
				counted[u] = true
				below[u]++
			}
		}
	}
	return direct, below
}

// OrgVersions lists the versions of an organisation, newest first.
func (o *Orgs) OrgVersions(ctx context.Context, q api.OrgQuery, cursor string, limit int) (api.VersionPage, error) {
	target, err := o.target(ctx, q)
	if err != nil {
		return api.VersionPage{}, err
	}
	versions, next, err := o.app.Store.ListVersions(ctx, target, cursor, limit)
	if versions == nil {
		versions = []orgflow.OrgVersion{}
	}
	return api.VersionPage{Versions: versions, NextCursor: next}, badCursor(err)
}

// OrgDiff compares two versions; to 0 is the newest, from 0 the one before
// it. What is before the first version is nothing.
func (o *Orgs) OrgDiff(ctx context.Context, q api.OrgQuery, from, to int64) (api.OrgDiff, error) {
	q.Version = to
	target, second, err := o.version(ctx, q)
	if err != nil {
		return api.OrgDiff{}, err
	}
	first := orgflow.OrgVersion{CompanyID: second.CompanyID, Origin: second.Origin}
	if q.Version = cmp.Or(from, second.Version-1); q.Version > 0 {
		if _, first, err = o.version(ctx, q); err != nil {
			return api.OrgDiff{}, err
		}
	}
	before, err := o.app.Store.OrgTree(ctx, target, first.Version)
	if err != nil {
		return api.OrgDiff{}, err
	}
	after, err := o.app.Store.OrgTree(ctx, target, second.Version)
	if err != nil {
		return api.OrgDiff{}, err
	}
	changes := orgtree.Diff(before, after)
	return api.OrgDiff{From: first, To: second, Counts: orgtree.Count(changes), Changes: changes}, nil
}

// UnitMembers lists the direct members of a department.
func (o *Orgs) UnitMembers(ctx context.Context, unit int64, cursor string, limit int) (api.MemberPage, error) {
	target, err := o.app.Store.UnitCompany(ctx, unit)
	if isNotFound(err) {
		return api.MemberPage{}, &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("no organisation has a department %d now", unit), Err: err}
	}
	if err != nil {
		return api.MemberPage{}, err
	}
	return members(o.app.Store.UnitMembers(ctx, target, unit, cursor, limit))
}

// SearchMembers finds members by a text.
func (o *Orgs) SearchMembers(ctx context.Context, q api.OrgQuery, text, cursor string, limit int) (api.MemberPage, error) {
	target, err := o.target(ctx, q)
	if err != nil {
		return api.MemberPage{}, err
	}
	return members(o.app.Store.SearchMembers(ctx, target, text, cursor, limit))
}

func members(people []store.OrgPerson, next string, err error) (api.MemberPage, error) {
	page := api.MemberPage{Members: make([]api.OrgMember, len(people)), NextCursor: next}
	for i, p := range people {
		m := api.OrgMember{
			ID: p.ID, UserID: p.UserID, JobNumber: p.JobNumber, Name: p.Name, Title: p.Title,
			Active: p.Active, Supervisor: p.Supervisor, Departments: make([]api.OrgDepartment, len(p.Departments)),
		}
		for j, d := range p.Departments {
			m.Departments[j] = api.OrgDepartment{ID: d.UnitID, Name: d.Name, Leader: d.Leader, Main: d.Main}
		}
		page.Members[i] = m
	}
	return page, badCursor(err)
}
