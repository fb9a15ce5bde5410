package console

import (
	"net/http"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
)

const (
	// levelMost is how many departments of a level are shown at once, pageMost
	// bounds what all levels of a page show: the page stays small in an
	// organisation of any shape.
	levelMost = 100
	pageMost  = 600
	levelMin  = 10
	// foundMost is how many departments a search shows.
	foundMost = 50
)

// twig is a department of the tree as the page shows it.
type twig struct {
	ID    int64
	Name  string
	Count int
	Has   bool // there are departments below
	Here  bool // its members are shown
	Below *level
}

// level are departments that have the same parent.
type level struct {
	Place  orgPlace
	Parent int64
	Twigs  []twig
	Next   int // where the rest begins; 0 where there is none
	Rest   int // how many
}

// orgPage is the tree with the members of a department, or what was searched
// for.
type orgPage struct {
	Place   orgPlace
	Version *orgflow.OrgVersion // nil: there was no pull
	Past    bool                // it is not the newest
	AsOf    string              // the day that was asked for
	Tree    *level
	Path    []twig // from the root to Unit
	Unit    *api.OrgNode
	Members api.MemberPage
	More    string // of the members
	Query   string
	Found   []found // departments
	Cut     bool    // of which there are more
}

// found is a department that was searched for, with those above it.
type found struct {
	ID    int64
	Name  string
	Above string
	Count int
}

// orgTree shows the organisation. Asked with ?live it shows a part of a level
// only: what the tree's script asks for.
func (c *Console) orgTree(r *http.Request) (content, error) {
	page, err := c.orgAsOf(r)
	out := content{template: "org", title: "org", section: "org", data: page}
	if err != nil || page.Version == nil {
		return out, err
	}
	root, err := c.Orgs.OrgTree(r.Context(), page.exactly())
	if err != nil {
		return out, err
	}
	unit, err := number(r, "unit")
	if err != nil {
		return out, err
	}
	path := pathTo(root, unit)
	if path == nil {
		return out, orgflow.Faultf(orgflow.CodeNotFound, "version %d of the organisation has no department %d", page.Version.Version, unit)
	}
	here := path[len(path)-1]
	if r.URL.Query().Has("live") {
		from, err := number(r, "from")
		page.Tree = page.level(here, int(from), levelMost)
		return out, err
	}
	page.Unit, page.Query = &here, strings.TrimSpace(r.URL.Query().Get("q"))
	page.Tree = page.branch(path)
	if page.Query != "" {
		return out, c.orgSearch(r, page, root)
	}
	for _, n := range path {
		page.Path = append(page.Path, twig{ID: n.ID, Name: n.Name})
	}
	cursor := r.URL.Query().Get("cursor")
	page.Members, err = c.Orgs.MembersIn(r.Context(), *page.Version, here.ID, cursor, pageLength)
	if next := page.Members.NextCursor; next != "" {
		page.More = page.Place.Link("/org", "unit", here.ID, "cursor", next)
	}
	return out, err
}

// orgAsOf finds the version that a page shows, by number or by day.
func (c *Console) orgAsOf(r *http.Request) (*orgPage, error) {
	page := &orgPage{}
	var err error
	if page.Place, err = c.orgPlace(r); err != nil {
		return page, err
	}
	newest := page.Place.query()
	newest.Version = 0
	latest, err := c.Orgs.OrgVersion(r.Context(), newest)
	if notFound(err) {
		return page, nil // never pulled
	}
	if err != nil {
		return page, err
	}
	page.Version, page.Place.Now.Origin = &latest, latest.Origin
	q := page.Place.query()
	page.AsOf = strings.TrimSpace(r.URL.Query().Get("as_of"))
	if page.AsOf != "" && q.Version == 0 {
		day, err := time.ParseInLocation(time.DateOnly, page.AsOf, chinaTime)
		if err != nil {
			return page, badParameter("as_of", "must be a day: 2026-11-20")
		}
		q.AsOf = day.AddDate(0, 0, 1).Add(-time.Millisecond) // as the day ended
	}
	if q.Version == 0 && q.AsOf.IsZero() {
		return page, nil
	}
	then, err := c.Orgs.OrgVersion(r.Context(), q)
	if err != nil {
		return page, err
	}
	page.Version, page.Past, page.Place.Version = &then, then.Version != latest.Version, 0
	if page.Past {
		page.Place.Version = then.Version // the page's links stay there
	}
	return page, nil
}

// exactly asks for the version that was found, whatever is pulled meanwhile.
func (p *orgPage) exactly() api.OrgQuery {
	return api.OrgQuery{CompanyID: p.Version.CompanyID, Origin: p.Version.Origin, Version: p.Version.Version}
}

// pathTo returns the departments from the root to one; the root itself for 0,
// nil where there is none with this id.
func pathTo(root api.OrgNode, unit int64) []api.OrgNode {
	if unit == 0 || root.ID == unit {
		return []api.OrgNode{root}
	}
	for _, n := range root.Children {
		if below := pathTo(n, unit); below != nil {
			return append([]api.OrgNode{root}, below...)
		}
	}
	return nil
}

// branch is the tree opened along a path, what is below its end included.
func (p *orgPage) branch(path []api.OrgNode) *level {
	most := min(levelMost, max(levelMin, pageMost/len(path)))
	below := p.level(path[len(path)-1], 0, most)
	for i := len(path) - 1; i >= 0; i-- {
		above := &level{Place: p.Place, Twigs: []twig{twigOf(path[i])}}
		if i > 0 {
			above = p.level(path[i-1], 0, most)
		}
		open := p.ensure(above, path[i])
		open.Here = i == len(path)-1 && p.Query == ""
		if len(below.Twigs) > 0 {
			open.Below = below
		}
		below = above
	}
	return below
}

// ensure returns a department's place in its level; one that stands behind
// what is shown is shown last.
func (p *orgPage) ensure(l *level, n api.OrgNode) *twig {
	for i := range l.Twigs {
		if l.Twigs[i].ID == n.ID {
			return &l.Twigs[i]
		}
	}
	l.Twigs = append(l.Twigs, twigOf(n))
	return &l.Twigs[len(l.Twigs)-1]
}

// level shows the departments directly below one, from a place on.
func (p *orgPage) level(n api.OrgNode, from, most int) *level {
	l := &level{Place: p.Place, Parent: n.ID}
	rest := n.Children[min(max(from, 0), len(n.Children)):]
	for i, child := range rest {
		if i == most {
			l.Next, l.Rest = from+most, len(rest)-most
			break
		}
		l.Twigs = append(l.Twigs, twigOf(child))
	}
	return l
}

func twigOf(n api.OrgNode) twig {
	return twig{ID: n.ID, Name: n.Name, Count: n.MemberCount, Has: len(n.Children) > 0}
}

// orgSearch finds departments of the version that is shown and people of the
// newest one.
func (c *Console) orgSearch(r *http.Request, page *orgPage, root api.OrgNode) error {
	page.search(root, "", strings.ToLower(page.Query))
	if page.Past {
		return nil
	}
	var err error
	q := page.exactly()
	q.Version = 0
	page.Members, err = c.Orgs.SearchMembers(r.Context(), q, page.Query, r.URL.Query().Get("cursor"), pageLength)
	if next := page.Members.NextCursor; next != "" {
		page.More = page.Place.Link("/org", "q", page.Query, "cursor", next)
	}
	return err
}

func (p *orgPage) search(n api.OrgNode, above, text string) {
	if p.Cut {
		return
	}
	if strings.Contains(strings.ToLower(n.Name), text) {
		if p.Cut = len(p.Found) == foundMost; p.Cut {
			return
		}
		p.Found = append(p.Found, found{ID: n.ID, Name: n.Name, Above: above, Count: n.MemberCount})
	}
	if above != "" {
		above += " / "
	}
	for _, child := range n.Children {
		p.search(child, above+n.Name, text)
	}
}
