package scimsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

// resource is a kind of record and the attributes it takes.
type resource struct {
	kind, urn  string
	attributes []string
}

var (
	users = resource{simbase.Persons, urnUser, []string{
		"schemas", "externalId", "userName", "displayName", "name", "active", "title", "emails", "phoneNumbers", urnEnterprise}}
	groups = resource{simbase.Orgs, urnGroup, []string{"schemas", "externalId", "displayName", "members"}}
)

// shown is a record as it is answered: without members on demand, and with
// the groups of a user (RFC 7643 § 4.1.2). The caller holds Mu.
func (s *Sim) shown(kind resource, o simbase.Object, c *simctl.Call) simbase.Object {
	out := maps.Clone(o)
	if kind.kind == simbase.Orgs {
		if c.Query.Get("excludedAttributes") == "members" {
			delete(out, "members")
		}
		return out
	}
	in := []any{}
	for _, g := range s.All(simbase.Orgs) {
		if slices.Contains(members(g), simbase.Text(o["id"])) {
			in = append(in, simbase.Object{"value": g["id"], "display": g["displayName"]})
		}
	}
	if len(in) > 0 {
		out["groups"] = in
	}
	return out
}

func members(g simbase.Object) []string {
	list, _ := g["members"].([]any)
	out := make([]string, 0, len(list))
	for _, m := range list {
		if o, isObject := m.(simbase.Object); isObject {
			out = append(out, simbase.Text(o["value"]))
		}
	}
	return out
}

func (s *Sim) read(c *simctl.Call, kind resource, id string) (simctl.Answer, *refusal) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	o := s.Held(kind.kind, id)
	if o == nil {
		return simctl.Answer{}, refuse(http.StatusNotFound, "", "resource %s not found", id)
	}
	return reply(http.StatusOK, s.shown(kind, o, c)), nil
}

// list answers a page (RFC 7644 § 3.4.2); at most 200 records.
func (s *Sim) list(c *simctl.Call, kind resource) (simctl.Answer, *refusal) {
	match, r := filter(c.Query.Get("filter"))
	if r != nil {
		return simctl.Answer{}, r
	}
	start, count := number(c.Query.Get("startIndex"), 1), min(number(c.Query.Get("count"), 100), 200)
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	found := []simbase.Object{}
	for _, o := range s.All(kind.kind) {
		if match(o) {
			found = append(found, s.shown(kind, o, c))
		}
	}
	page := found[min(max(start, 1)-1, len(found)):]
	page = page[:min(count, len(page))]
	return reply(http.StatusOK, map[string]any{
		"schemas": []string{urnList}, "totalResults": len(found), "startIndex": start, "itemsPerPage": len(page), "Resources": page,
	}), nil
}

func number(s string, fallback int) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return fallback
}

// filter reads one comparison, attribute eq "value" (RFC 7644 § 3.4.2.2).
func filter(text string) (func(simbase.Object) bool, *refusal) {
	if text == "" {
		return func(simbase.Object) bool { return true }, nil
	}
	attribute, rest, found := strings.Cut(text, " eq ")
	var want string
	if !found || json.Unmarshal([]byte(rest), &want) != nil || !slices.Contains([]string{"userName", "externalId", "displayName"}, attribute) {
		return nil, refuse(http.StatusBadRequest, "invalidFilter", "the filter is not supported")
	}
	return func(o simbase.Object) bool {
		got := simbase.Text(o[attribute])
		return got == want || attribute == "userName" && strings.EqualFold(got, want)
	}, nil
}

func (s *Sim) create(c *simctl.Call, kind resource) (simctl.Answer, *refusal) {
	var o simbase.Object
	if err := json.Unmarshal(c.Body, &o); err != nil || o == nil {
		return simctl.Answer{}, refuse(http.StatusBadRequest, "invalidSyntax", "the body is not a JSON object")
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	id, counted := s.NextID()
	o["id"] = id
	if r := s.check(kind, o); r != nil {
		return simctl.Answer{}, r
	}
	o = version(o, kind, 1)
	if err := s.Commit(counted, simctl.Change{Kind: kind.kind, ID: id, Value: o}); err != nil {
		return simctl.Answer{}, refuse(http.StatusInternalServerError, "", "%v", err)
	}
	c.Wrote, c.Key = true, id
	return reply(http.StatusCreated, s.shown(kind, o, c)), nil
}

// version stamps a record.
func version(o simbase.Object, kind resource, n int) simbase.Object {
	out := maps.Clone(o)
	out["meta"] = simbase.Object{"resourceType": strings.TrimPrefix(kind.urn, "urn:ietf:params:scim:schemas:core:2.0:"), "version": fmt.Sprintf(`W/"%d"`, n)}
	return out
}

func versionOf(o simbase.Object) (text string, n int) {
	meta, _ := o["meta"].(simbase.Object)
	text = simbase.Text(meta["version"])
	_, _ = fmt.Sscanf(text, `W/"%d"`, &n)
	return text, n
}

// check refuses what a provider would. The caller holds Mu.
func (s *Sim) check(kind resource, o simbase.Object) *refusal {
	for name := range o {
		if !slices.Contains(kind.attributes, name) && name != "id" && name != "meta" {
			return refuse(http.StatusBadRequest, "invalidSyntax", "unknown attribute %s", name)
		}
	}
	schemas, _ := o["schemas"].([]any)
	if !slices.Contains(schemas, any(kind.urn)) {
		return refuse(http.StatusBadRequest, "invalidSyntax", "schemas lacks %s", kind.urn)
	}
	if kind.kind == simbase.Persons {
		return s.checkUser(o)
	}
	return s.checkGroup(o)
}

func (s *Sim) checkUser(o simbase.Object) *refusal {
	name := simbase.Text(o["userName"])
	if name == "" || slices.Contains(s.Set().Refuse, name) {
		return refuse(http.StatusBadRequest, "invalidValue", "userName")
	}
	if _, isBool := o["active"].(bool); o["active"] != nil && !isBool {
		return refuse(http.StatusBadRequest, "invalidValue", "active is no boolean")
	}
	for _, other := range s.All(simbase.Persons) {
		if other["id"] != o["id"] && strings.EqualFold(simbase.Text(other["userName"]), name) {
			return refuse(http.StatusConflict, "uniqueness", "userName is taken")
		}
	}
	ext, _ := o[urnEnterprise].(simbase.Object)
	if manager, _ := ext["manager"].(simbase.Object); manager != nil && s.Held(simbase.Persons, simbase.Text(manager["value"])) == nil {
		return refuse(http.StatusBadRequest, "invalidValue", "manager is no user")
	}
	return nil
}

func (s *Sim) checkGroup(o simbase.Object) *refusal {
	name := simbase.Text(o["displayName"])
	if name == "" {
		return refuse(http.StatusBadRequest, "invalidValue", "displayName")
	}
	for _, other := range s.All(simbase.Orgs) {
		if s.Set().UniqueGroups && other["id"] != o["id"] && other["displayName"] == name {
			return refuse(http.StatusConflict, "uniqueness", "displayName is taken")
		}
	}
	for _, m := range members(o) {
		if s.Held(simbase.Persons, m) == nil {
			return refuse(http.StatusBadRequest, "invalidValue", "member %s is no user", m)
		}
	}
	return nil
}

func (s *Sim) change(c *simctl.Call, kind resource, id string) (simctl.Answer, *refusal) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	before := s.Held(kind.kind, id)
	if before == nil {
		return simctl.Answer{}, refuse(http.StatusNotFound, "", "resource %s not found", id)
	}
	tag, n := versionOf(before)
	if want := c.Header.Get("If-Match"); want != "" && want != tag {
		return simctl.Answer{}, refuse(http.StatusPreconditionFailed, "", "the version is %s", tag)
	}
	after, r := changed(c, before)
	if r == nil {
		r = s.check(kind, after)
	}
	if r != nil {
		return simctl.Answer{}, r
	}
	after = version(after, kind, n+1)
	if err := s.Commit(simctl.Change{Kind: kind.kind, ID: id, Value: after}); err != nil {
		return simctl.Answer{}, refuse(http.StatusInternalServerError, "", "%v", err)
	}
	c.Wrote = true
	if kind.kind == simbase.Orgs { // RFC 7644 § 3.5.2: 204 is allowed
		return simctl.Answer{Status: http.StatusNoContent, Outcome: simctl.OK}, nil
	}
	return reply(http.StatusOK, s.shown(kind, after, c)), nil
}

// changed is the record after PUT or PATCH.
func changed(c *simctl.Call, before simbase.Object) (simbase.Object, *refusal) {
	if c.Method == http.MethodPatch {
		return patch(c.Body, before)
	}
	var o simbase.Object
	if err := json.Unmarshal(c.Body, &o); err != nil || o == nil {
		return nil, refuse(http.StatusBadRequest, "invalidSyntax", "the body is not a JSON object")
	}
	o["id"] = before["id"]
	return o, nil
}

// remove deletes a record; a user leaves all groups.
func (s *Sim) remove(c *simctl.Call, kind resource, id string) (simctl.Answer, *refusal) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.Held(kind.kind, id) == nil {
		return simctl.Answer{}, refuse(http.StatusNotFound, "", "resource %s not found", id)
	}
	changes := []simctl.Change{{Kind: kind.kind, ID: id}}
	for _, g := range s.All(simbase.Orgs) {
		if kind.kind == simbase.Persons && slices.Contains(members(g), id) {
			changes = append(changes, simctl.Change{Kind: simbase.Orgs, ID: simbase.Text(g["id"]), Value: withoutMember(g, id)})
		}
	}
	if err := s.Commit(changes...); err != nil {
		return simctl.Answer{}, refuse(http.StatusInternalServerError, "", "%v", err)
	}
	c.Wrote = true
	return simctl.Answer{Status: http.StatusNoContent, Outcome: simctl.OK}, nil
}

func withoutMember(g simbase.Object, id string) simbase.Object {
	out := maps.Clone(g)
	list, _ := g["members"].([]any)
	out["members"] = slices.DeleteFunc(slices.Clone(list), func(m any) bool {
		o, _ := m.(simbase.Object)
		return simbase.Text(o["value"]) == id
	})
	return out
}
