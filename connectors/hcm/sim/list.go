package hcmsim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// defaultPageSize stands in for an absent page_size.
const defaultPageSize = 20

// modelList is hcm.model.list (§ 1.3).
func (s *Sim) modelList(set *Settings, d *dataset, in *request) simctl.Answer {
	m, bad := s.find(set, d, in.Model)
	if bad != nil {
		return *bad
	}
	index, size := 1, defaultPageSize
	if in.PageIndex != nil {
		index = *in.PageIndex
	}
	if in.PageSize != nil {
		size = *in.PageSize
	}
	if index < 1 || size < 1 {
		return s.fail(set, 400014, "page_index and page_size are 1 or more")
	}
	rows, err := d.selection(set, m, in)
	if err != nil {
		return s.fail(set, 400014, err.Error())
	}
	page := cut(set.Paging, rows, index, size)
	out := make([]json.RawMessage, len(page))
	for i, r := range page {
		out[i] = r.raw
		if set.ProjectFields && len(in.Extra.Fields) > 0 {
			out[i] = project(r, in.Extra.Fields)
		}
	}
	return listAnswer(set, out, len(rows))
}

// selection filters and sorts a model's rows.
func (d *dataset) selection(set *Settings, m *model, in *request) ([]*row, error) {
	conds, err := d.filter(in.FilterDict, set.TreeModels)
	if err != nil {
		return nil, err
	}
	if in.FilterStr != nil && *in.FilterStr != "" {
		conds = append(conds, keyword(*in.FilterStr))
	}
	less, err := sorter(in.Extra.Sorts)
	if err != nil {
		return nil, err
	}
	key, err := json.Marshal([]any{in.FilterDict, in.FilterStr, in.Extra.Sorts, set.TreeModels})
	if err != nil {
		return nil, err
	}
	return m.selected(string(key), func(r *row) bool {
		for _, holds := range conds {
			if !holds(r) {
				return false
			}
		}
		return true
	}, less), nil
}

// cut takes a page the way the paging switch says: "ignored" answers all
// rows to every call, "repeat_page" the first page, "short_pages" works with
// half the size that was asked for, so that a page shorter than asked is not the last.
func cut(mode string, rows []*row, index, size int) []*row {
	switch mode {
	case "ignored":
		return rows
	case "repeat_page":
		index = 1
	case "short_pages":
		size = (size + 1) / 2
	}
	if index-1 > len(rows)/size {
		return nil
	}
	from := min((index-1)*size, len(rows))
	return rows[from:min(from+size, len(rows))]
}

// listAnswer wraps rows in the shape of the deployment (§ 1.6).
func listAnswer(set *Settings, rows []json.RawMessage, count int) simctl.Answer {
	if set.Shape == "data" {
		return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{"data": rows})
	}
	outer, inner, _ := strings.Cut(set.Shape, ".")
	body := map[string]any{inner: rows}
	if set.CountLie != nil {
		count = *set.CountLie
	}
	if set.Paging != "no_count" {
		body[set.CountKey] = count
	}
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{outer: body})
}

// field is a column asked for: a path in segments, or dotted (§ 1.4). The
// key renames nothing.
type field struct {
	Key  string   `json:"key"`
	Path []string `json:"field"`
}

// project keeps the asked paths and the id; several under one head make one
// object, and a path that leads nowhere is silently left out (§ 1.3).
func project(r *row, fields []field) json.RawMessage {
	out := picked{}
	if id, ok := r.vals["id"]; ok {
		out["id"] = id
	}
	for _, f := range fields {
		copyPath(out, r.vals, strings.Split(strings.Join(f.Path, "."), "."))
	}
	b, err := json.Marshal(out)
	if err != nil {
		return r.raw
	}
	return b
}

func copyPath(to picked, from map[string]any, path []string) {
	v, ok := from[path[0]]
	if !ok {
		return
	}
	if len(path) == 1 {
		to[path[0]] = v
		return
	}
	switch v := v.(type) {
	case map[string]any:
		switch sub := to[path[0]].(type) {
		case picked:
			copyPath(sub, v, path[1:])
		case nil:
			fresh := picked{}
			to[path[0]] = fresh
			copyPath(fresh, v, path[1:])
		} // else the whole object is there already
	case []any:
		copyList(to, v, path)
	}
}

// picked is an object of our own making; a plain map in a projection is the
// row's, and is never written to.
type picked map[string]any

// copyList projects each element of a list. A segment that names elements
// (a number, "*") delivers the whole list.
func copyList(to picked, list []any, path []string) {
	if _, err := strconv.Atoi(path[1]); err == nil || path[1] == "*" {
		to[path[0]] = list
		return
	}
	kept, ok := to[path[0]].([]picked)
	if _, taken := to[path[0]]; taken && !ok {
		return
	}
	if !ok {
		kept = make([]picked, len(list))
		for i := range kept {
			kept[i] = picked{}
		}
		to[path[0]] = kept
	}
	for i, e := range list {
		if from, ok := e.(map[string]any); ok {
			copyPath(kept[i], from, path[1:])
		}
	}
}
