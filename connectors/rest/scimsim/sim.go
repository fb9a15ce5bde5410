// Package scimsim simulates a SCIM 2.0 service provider (RFC 7643, RFC
// 7644): Users with the enterprise extension, and Groups; filters of one
// comparison, PATCH, paging, versions (ETag), uniqueness and Retry-After.
package scimsim

import (
	"fmt"
	"net/http"
	"strings"

	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

// Name is the simulator's mount point.
const Name = "scim"

// Schema URNs.
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// Sim is one simulated organisation.
type Sim struct{ simbase.Base }

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() simbase.Settings {
	return simbase.Settings{
		Token: "scimsim-token", ClientID: "scimsim-client", ClientSecret: "scimsim-secret",
		TokenSeconds: 3600, UniqueGroups: true, Refuse: []string{},
	}
}

// New makes an organisation that holds nothing.
func New(o simbase.Options) *Sim {
	s := &Sim{}
	s.Init(Name, "id", DefaultSettings(), s, o)
	return s
}

// refusal is an error answer (RFC 7644 § 3.12).
type refusal struct {
	status   int
	scimType string
	detail   string
}

func refuse(status int, scimType, format string, args ...any) *refusal {
	return &refusal{status, scimType, fmt.Sprintf(format, args...)}
}

func (r *refusal) answer() simctl.Answer {
	outcome := r.scimType
	if outcome == "" {
		outcome = fmt.Sprint(r.status)
	}
	body := map[string]any{"schemas": []string{urnError}, "status": fmt.Sprint(r.status), "detail": r.detail}
	if r.scimType != "" {
		body["scimType"] = r.scimType
	}
	a := simctl.JSON(r.status, outcome, body)
	a.ContentType = "application/scim+json"
	if r.status == http.StatusTooManyRequests {
		a.Header = map[string]string{"Retry-After": "1"}
	}
	return a
}

// Refuse implements simctl.Handler: code is a status or a scimType.
func (s *Sim) Refuse(_ *simctl.Call, code string) simctl.Answer {
	status := 0
	if _, err := fmt.Sscanf(code, "%d", &status); err == nil && status >= 400 {
		return refuse(status, "", "simulated").answer()
	}
	if code == "uniqueness" {
		return refuse(http.StatusConflict, code, "simulated").answer()
	}
	return refuse(http.StatusBadRequest, code, "simulated").answer()
}

// Handle implements simctl.Handler.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	if c.Path == "/oauth2.0/token" {
		return s.Issue(c)
	}
	if s.TooFast(c) {
		return refuse(http.StatusTooManyRequests, "", "too many requests").answer()
	}
	if !s.Knows(c) {
		return refuse(http.StatusUnauthorized, "", "the token is not valid").answer()
	}
	if c.Path == "/ServiceProviderConfig" && c.Method == http.MethodGet {
		return reply(http.StatusOK, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
			"patch":   map[string]bool{"supported": true}, "etag": map[string]bool{"supported": true},
		})
	}
	kind, id, known := route(c.Path)
	if !known {
		return refuse(http.StatusNotFound, "", "no such endpoint").answer()
	}
	c.Key = id
	a, r := s.resource(c, kind, id)
	if r != nil {
		return r.answer()
	}
	return a
}

func route(path string) (kind resource, id string, known bool) {
	name, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch name {
	case "Users":
		return users, id, !strings.Contains(id, "/")
	case "Groups":
		return groups, id, !strings.Contains(id, "/")
	}
	return resource{}, "", false
}

func (s *Sim) resource(c *simctl.Call, kind resource, id string) (simctl.Answer, *refusal) {
	switch {
	case id == "" && c.Method == http.MethodGet:
		return s.list(c, kind)
	case id == "" && c.Method == http.MethodPost:
		return s.create(c, kind)
	case id == "":
		return simctl.Answer{}, refuse(http.StatusMethodNotAllowed, "", "not allowed here")
	}
	switch c.Method {
	case http.MethodGet:
		return s.read(c, kind, id)
	case http.MethodPatch, http.MethodPut:
		return s.change(c, kind, id)
	case http.MethodDelete:
		return s.remove(c, kind, id)
	}
	return simctl.Answer{}, refuse(http.StatusMethodNotAllowed, "", "not allowed here")
}

func reply(status int, v any) simctl.Answer {
	a := simctl.JSON(status, simctl.OK, v)
	a.ContentType = "application/scim+json"
	if o, isObject := v.(simbase.Object); isObject {
		if meta, _ := o["meta"].(simbase.Object); meta != nil {
			a.Header = map[string]string{"ETag": simbase.Text(meta["version"])}
		}
	}
	return a
}
