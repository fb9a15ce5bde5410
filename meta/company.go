package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/schemas"
)

// referenceName finds a reference; what follows :- is a value.
var referenceName = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*|file:[^}:]*)(?::-[^}]*)?\}`)

const companyFile = "company.json"

// Company is a tenant with its connections. It holds references to secrets
// (${NAME}), never their values; printing one shows its id only.
type Company struct {
	ID       int64
	Name     string
	TimeZone *time.Location // of its schedules and dates

	file  file
	doc   companyDoc
	store *Store
}

type companyDoc struct {
	CompanyID int64                      `json:"company_id"`
	Name      string                     `json:"name"`
	TimeZone  string                     `json:"time_zone"`
	Source    json.RawMessage            `json:"source"`
	Consumers map[string]json.RawMessage `json:"consumers"`
	ERP       json.RawMessage            `json:"erp"`
	Roles     map[string][]string        `json:"roles"`
	Notify    json.RawMessage            `json:"notify"`
	Triggers  json.RawMessage            `json:"triggers"`
}

// defaultTimeZone is that of a company which names none.
const defaultTimeZone = "Asia/Shanghai"

// Company reads companies/<id>/company.json. A company without one is a
// fault with code not_found; a broken one an *orgflow.InvalidError.
func (s *Store) Company(id int64) (Company, error) {
	path := companyDir(id) + companyFile
	f, ok, err := s.read(path)
	if err != nil {
		return Company{}, err
	}
	if !ok {
		return Company{}, orgflow.Faultf(orgflow.CodeNotFound, "%s", s.noCompany(id))
	}
	c := Company{ID: id, file: f, store: s}
	if err := s.decode(schemas.Company, f, &c.doc); err != nil {
		return Company{}, err
	}
	c.Name = c.doc.Name
	if c.doc.CompanyID != id {
		return Company{}, configError(schemas.At(path, f.raw, "/company_id", fmt.Sprintf("must be %d, as the directory says", id)))
	}
	zone := c.doc.TimeZone
	if zone == "" {
		zone = defaultTimeZone
	}
	if c.TimeZone, err = location(zone); err != nil {
		return Company{}, configError(schemas.At(path, f.raw, "/time_zone", err.Error()))
	}
	return c, nil
}

func location(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, errors.New(`must be an IANA time zone such as "Asia/Shanghai" or "UTC"`)
	}
	return zone, nil
}

func (s *Store) noCompany(id int64) string {
	known := make([]string, 0)
	for _, c := range s.Companies() {
		known = append(known, strconv.FormatInt(c, 10))
	}
	message := fmt.Sprintf("company %d has no configuration (%s%s); ", id, companyDir(id), companyFile)
	if len(known) == 0 {
		return message + "no company is configured"
	}
	return message + "configured: " + strings.Join(known, ", ")
}

// Companies returns the ids of the companies that have a company.json, in
// ascending order.
func (s *Store) Companies() []int64 {
	var ids []int64
	for _, name := range s.list("companies") {
		id, err := strconv.ParseInt(name, 10, 64)
		if err != nil || id <= 0 || strconv.FormatInt(id, 10) != name {
			continue
		}
		if _, ok, err := s.read(companyDir(id) + companyFile); ok || err != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Shipped tells whether the company's file is the program's own: that of the
// demo company, which nobody has replaced.
func (c Company) Shipped() bool { return c.file.shipped }

// Consumers returns the names of the company's consumers, sorted.
func (c Company) Consumers() []string { return slices.Sorted(maps.Keys(c.doc.Consumers)) }

// HasConsumer tells whether the company has a connection to the consumer.
func (c Company) HasConsumer(name string) bool { _, ok := c.doc.Consumers[name]; return ok }

// SourceType returns the type of the company's source, "" if it has none.
func (c Company) SourceType() string {
	var source struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(c.doc.Source, &source) // its schema was checked; absent leaves ""
	return source.Type
}

// Role returns the user codes that hold a role.
func (c Company) Role(name string) []string { return slices.Clone(c.doc.Roles[name]) }

// Written tells which keys of a connection are set, and for each the secret
// references in it (${NAME}) and nothing else of its value, which may be a
// secret somebody wrote in clear text.
func (c Company) Written(consumer string) map[string]string {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(c.doc.Consumers[consumer], &raw) // its schema was checked; absent leaves none
	out := make(map[string]string, len(raw))
	for key, value := range raw {
		var names []string
		for _, m := range referenceName.FindAllSubmatch(value, -1) {
			names = append(names, "${"+string(m[1])+"}")
		}
		out[key] = strings.Join(names, " ")
	}
	return out
}

// Setting decodes one key of a connection, with references to secrets
// resolved; ok is false where the key is not set. The errors of one that
// cannot be resolved name the reference, never a value.
func (c Company) Setting(consumer, key string, into any) (ok bool, err error) {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(c.doc.Consumers[consumer], &raw) // its schema was checked; absent leaves none
	value, ok := raw[key]
	if !ok {
		return false, nil
	}
	return true, c.decode("/consumers/"+schemas.Escape(consumer)+"/"+schemas.Escape(key), value, into)
}

// Connection decodes the connection to a consumer into a struct, or into a
// *json.RawMessage, with references to secrets resolved. The result holds
// secrets in clear text: keep it in memory and out of logs.
func (c Company) Connection(consumer string, into any) error {
	raw, ok := c.doc.Consumers[consumer]
	if !ok {
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "%s", c.noConsumer(consumer))
	}
	return c.decode("/consumers/"+schemas.Escape(consumer), raw, into)
}

// SourceConnection decodes the company's source like Connection.
func (c Company) SourceConnection(into any) error {
	if c.doc.Source == nil {
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "%s: /source: is required to read people and departments", c.file.path)
	}
	return c.decode("/source", c.doc.Source, into)
}

// HasERP tells whether the company has a connection to an ERP.
func (c Company) HasERP() bool { return c.doc.ERP != nil }

// ERPType returns the type of the company's ERP, "" if it has none.
func (c Company) ERPType() string {
	var erp struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(c.doc.ERP, &erp) // its schema was checked; absent leaves ""
	return erp.Type
}

// ERPConnection decodes the company's ERP like Connection.
func (c Company) ERPConnection(into any) error {
	if c.doc.ERP == nil {
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "%s: /erp: is required to read from an ERP", c.file.path)
	}
	return c.decode("/erp", c.doc.ERP, into)
}

func (c Company) noConsumer(name string) string {
	return fmt.Sprintf("company %d has no connection to consumer %q in %s; it has: %s",
		c.ID, name, c.file.path, listed(c.Consumers()))
}

// pageSize is the source's page_size; 0 leaves it to the default.
func (c Company) pageSize() int {
	var source struct {
		PageSize int `json:"page_size"`
	}
	_ = json.Unmarshal(c.doc.Source, &source) // its schema was checked; absent leaves 0
	return source.PageSize
}

// Format prints the id only, whatever the verb: the rest may hold secrets
// that somebody wrote in clear text.
func (c Company) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "company %d", c.ID) }

// MarshalJSON shows id and name only, for the same reason.
func (c Company) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"company_id": c.ID, "name": c.Name})
}
