package meta

import (
	"encoding/json"
	"maps"
	"slices"

	"orgflow"
	"orgflow/internal/mapping"
)

// Request says which rows and columns a service asks the source for: the
// meta file and the job merged (HCM reference § 4.2).
type Request struct {
	Model         string                     `json:"model"`
	API           string                     `json:"api"`
	Columns       []mapping.Column           `json:"columns"`
	FilterDict    map[string]json.RawMessage `json:"filter_dict,omitempty"`
	FilterStr     *string                    `json:"filter_str,omitempty"`
	Sorts         json.RawMessage            `json:"sorts"`
	OnlyList      *bool                      `json:"only_list"`
	PageSize      int                        `json:"page_size"`
	ExtraProperty map[string]json.RawMessage `json:"extra_property,omitempty"` // the job's, unchanged
}

// Defaults of HCM reference § 4.2.
const (
	defaultAPI      = "hcm.model.list"
	defaultPageSize = 500
	defaultSorts    = `[{"key":"id","type":"asc"}]`
)

// metaDoc is a fetch meta file (HCM reference § 4.3).
type metaDoc struct {
	Model      string                     `json:"model"`
	Service    string                     `json:"service"`
	Consumer   string                     `json:"consumer"`
	Standard   string                     `json:"standard"`
	API        string                     `json:"api"`
	FilterDict map[string]json.RawMessage `json:"filter_dict"`
	FilterStr  *string                    `json:"filter_str"`
	Sorts      json.RawMessage            `json:"sorts"`
	PageSize   int                        `json:"page_size"`
	OnlyList   *bool                      `json:"only_list"`
	Identity   string                     `json:"identity"`
	Fields     []mapping.Entry            `json:"fields"`
	Columns    []mapping.Entry            `json:"columns"`
}

// entries returns the field entries under either of their names.
func (d metaDoc) entries() []mapping.Entry {
	if d.Fields != nil {
		return d.Fields
	}
	return d.Columns
}

// fieldsDoc is a standard format or a template.
type fieldsDoc struct {
	Fields []mapping.Entry `json:"fields"`
}

// merge builds the request. Of filter_dict the job wins whole values, and
// all keys must hold; sorts and only_list inside the job's extra_property
// win over the meta file's.
func (d metaDoc) merge(service Service, job orgflow.Job, filter map[string]json.RawMessage, pageSize int) Request {
	r := Request{
		Model: service.Model, API: d.API, FilterStr: d.FilterStr, Sorts: d.Sorts, OnlyList: d.OnlyList,
		PageSize: d.PageSize, ExtraProperty: maps.Clone(job.Params.ExtraProperty),
	}
	if d.Model != "" {
		r.Model = d.Model
	}
	if r.API == "" {
		r.API = defaultAPI
	}
	if len(d.FilterDict)+len(filter) > 0 {
		r.FilterDict = maps.Clone(d.FilterDict)
		if r.FilterDict == nil {
			r.FilterDict = map[string]json.RawMessage{}
		}
		maps.Copy(r.FilterDict, filter)
	}
	if sorts, ok := r.ExtraProperty["sorts"]; ok {
		r.Sorts = sorts
	}
	if len(r.Sorts) == 0 {
		r.Sorts = json.RawMessage(defaultSorts)
	}
	var only *bool
	if err := json.Unmarshal(r.ExtraProperty["only_list"], &only); err == nil && only != nil {
		r.OnlyList = only
	}
	if r.OnlyList == nil {
		yes := true
		r.OnlyList = &yes
	}
	if r.PageSize == 0 {
		r.PageSize = pageSize
	}
	if r.PageSize == 0 {
		r.PageSize = defaultPageSize
	}
	return r
}

// addColumns appends columns whose path is not asked for yet.
func (r *Request) addColumns(columns []mapping.Column) {
	for _, c := range columns {
		if !slices.ContainsFunc(r.Columns, func(have mapping.Column) bool { return slices.Equal(have.Field, c.Field) }) {
			r.Columns = append(r.Columns, c)
		}
	}
}

// filterHash identifies what decides which records a read contains: when it
// differs from the scope's last run, records that are missing may merely be
// filtered out (spec § 3.4).
func (r Request) filterHash(metaHash string) (string, error) {
	raw, err := json.Marshal(struct {
		Model, API, Meta string
		FilterDict       map[string]json.RawMessage
		FilterStr        *string
		Extra            map[string]json.RawMessage
	}{r.Model, r.API, metaHash, canonicalValues(r.FilterDict), r.FilterStr, canonicalValues(r.ExtraProperty)})
	if err != nil {
		return "", err
	}
	return orgflow.Hash(raw), nil
}

// canonicalValues writes values without the accidents of spacing and key
// order, so that re-indenting a job does not look like another filter.
func canonicalValues(values map[string]json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(values))
	for key, raw := range values {
		out[key] = raw
		var tree any
		if decodeNumbers(raw, &tree) != nil {
			continue
		}
		if canonical, err := json.Marshal(tree); err == nil {
			out[key] = canonical
		}
	}
	return out
}
