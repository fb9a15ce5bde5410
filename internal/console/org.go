package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (c *Console) orgRoutes(r chi.Router) {
	c.see(r, "/org", config.AccessRead, c.orgTree)
	c.see(r, "/org/people/{id}", config.AccessRead, c.orgPerson)
	c.see(r, "/org/people/{id}/attendance", config.AccessRead, c.orgAttendance)
	c.see(r, "/org/versions", config.AccessRead, c.orgVersions)
	c.see(r, "/org/diff", config.AccessRead, c.orgDiff)
	c.see(r, "/org/pulls", config.AccessRead, c.orgPulls)
	c.do(r, "/org/pulls", config.AccessOperate, c.startPull)
	c.see(r, "/org/pulls/{id}", config.AccessRead, c.orgPull)
	c.do(r, "/org/pulls/{id}/approve", config.AccessApprove, c.decidePull(true))
	c.do(r, "/org/pulls/{id}/reject", config.AccessApprove, c.decidePull(false))
	c.do(r, "/org/pulls/{id}/cancel", config.AccessOperate, c.cancelPull)
}

// chinaTime is the clock that days of the pages count by.
var chinaTime = time.FixedZone("UTC+8", 8*60*60)

// orgPlace is whose organisation a page shows, and which version of it. Its
// links stay there.
type orgPlace struct {
	All []Organisation // that can be shown
	Now Organisation   // that is; its Origin may be empty: the standard one
	// Version is the one that was asked for; 0 is the newest.
	Version int64
	named   bool // links name the organisation
}

// orgPlace reads whose organisation is asked for: without a word that of
// whoever is signed in, else the first.
func (c *Console) orgPlace(r *http.Request) (orgPlace, error) {
	p := orgPlace{All: c.Orgs.Organisations()}
	p.named = len(p.All) > 1
	company, err := number(r, "company")
	if err != nil {
		return p, err
	}
	if company == 0 {
		if who, err := c.SignIn.Who(r); err == nil && who != nil {
			company = who.CompanyID
		}
	}
	if company == 0 && len(p.All) > 0 {
		company = p.All[0].CompanyID
	}
	p.Now = Organisation{CompanyID: company, Origin: r.FormValue("origin")}
	for _, o := range p.All {
		if o.CompanyID == company && p.Now.Company == "" {
			p.Now.Company = o.Company
		}
	}
	p.Version, err = number(r, "version")
	return p, err
}

func (p orgPlace) query() api.OrgQuery {
	return api.OrgQuery{CompanyID: p.Now.CompanyID, Origin: p.Now.Origin, Version: p.Version}
}

// PullFrom is the origin that a pull would read: the one shown, else the
// company's first.
func (p orgPlace) PullFrom() string {
	if p.Now.Origin != "" {
		return p.Now.Origin
	}
	for _, o := range p.All {
		if o.CompanyID == p.Now.CompanyID {
			return o.Origin
		}
	}
	return ""
}

// Shows tells whether an organisation is the one shown.
func (p orgPlace) Shows(o Organisation) bool {
	return o.CompanyID == p.Now.CompanyID && o.Origin == p.Now.Origin
}

// Link is a path with what it needs to stay in this organisation and version,
// and further pairs of parameter and value; empty ones are left out.
func (p orgPlace) Link(path string, pairs ...any) string {
	v := url.Values{}
	if p.named {
		v.Set("company", strconv.FormatInt(p.Now.CompanyID, 10))
		v.Set("origin", p.Now.Origin)
	}
	if p.Version != 0 {
		v.Set("version", strconv.FormatInt(p.Version, 10))
	}
	return link(path, v, pairs...)
}

// Newest is Link into the newest version.
func (p orgPlace) Newest(path string, pairs ...any) string {
	p.Version = 0
	return p.Link(path, pairs...)
}

// Other is a link to another organisation.
func (p orgPlace) Other(o Organisation) string {
	p.Now = o
	return p.Newest("/org")
}

func link(path string, v url.Values, pairs ...any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if text := wordOf(pairs[i+1]); text != "" && text != "0" {
			v.Set(wordOf(pairs[i]), text)
		}
	}
	for key := range v {
		if v.Get(key) == "" {
			v.Del(key)
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

func wordOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case orgflow.Op:
		return string(v)
	case orgflow.Kind:
		return string(v)
	}
	return ""
}

// number reads a parameter that is a whole number of 0 or more; left out it
// is 0.
func number(r *http.Request, name string) (int64, error) {
	text := strings.TrimSpace(r.FormValue(name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, badParameter(name, "must be a whole number")
	}
	return n, nil
}

func badParameter(name, message string) error {
	return &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: name, Message: message}
}

// idOf is the number in a page's path.
func idOf(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil || id < 1 {
		return 0, orgflow.Faultf(orgflow.CodeNotFound, "there is nobody with the id %q", chi.URLParam(r, "id"))
	}
	return id, nil
}

func notFound(err error) bool { return err != nil && orgflow.AsFault(err).Code == orgflow.CodeNotFound }
