package kdsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"orgflow/connectors/simctl"
)

// view is View (§ 4.6): model names instead of keys, dates as /Date(ms)/.
func (s *Sim) view(in *call) simctl.Answer {
	f, bad := in.form(in.in.text("formid"))
	if bad != nil {
		return *bad
	}
	var ask struct {
		Number string
		ID     any `json:"Id"`
	}
	if !in.in.data("data", &ask) {
		return in.fail(8, "接口参数 data 不能为空")
	}
	bill, found := f.bill(ask.Number, simctl.Plain(ask.ID))
	if !found {
		return in.fail(9, "编码值或内码值必须传其一，且存在对应的数据")
	}
	q := &query{form: f, forms: in.forms}
	model := map[string]any{"Id": json.RawMessage(q.column(f.cols[f.key])(row{bill: bill}).append(nil))}
	for _, field := range f.def.Fields {
		model[strings.TrimPrefix(field.Key, "F")] = viewed(f.cell(bill, f.cols[field.Key], 0))
	}
	for i, e := range f.def.Entries {
		lines := []any{}
		for line := range f.lineCount(bill, i) {
			if e.Parent != "" {
				break
			}
			item := map[string]any{"Id": viewed(f.cell(bill, f.cols[e.Key+"_"+e.pk()], line))}
			for _, field := range e.Fields {
				item[strings.TrimPrefix(field.Key, "F")] = viewed(f.cell(bill, f.cols[field.Key], line))
			}
			lines = append(lines, item)
		}
		model[strings.TrimPrefix(e.Key, "F")] = lines
	}
	return succeeded(map[string]any{"Result": model})
}

func viewed(c cell) any {
	if c.kind == moment { // the server's clock is that of China
		return fmt.Sprintf("/Date(%d)/", c.n/1e6-8*time.Hour.Milliseconds())
	}
	return json.RawMessage(c.append(nil))
}

// bill finds a bill by number or key.
func (f *form) bill(number, id string) (int32, bool) {
	if id != "" && id != "null" && id != "0" {
		return f.find(id)
	}
	key := "FBillNo"
	if _, ok := f.cols[key]; !ok {
		key = "FNumber"
	}
	c, ok := f.cols[key]
	if !ok || number == "" || c.entity != head {
		return 0, false
	}
	for i := range f.bills {
		if f.cell(int32(i), c, 0).text() == number { //nolint:gosec // counts are bounded
			return int32(i), true //nolint:gosec // likewise
		}
	}
	return 0, false
}

// save is Save (§ 6), as far as readers need it: what Model holds is set, and
// FModifyDate is now. Each n-th meets a conflict where the switches say so.
func (s *Sim) save(in *call) simctl.Answer {
	if _, bad := in.form(in.in.text("formid")); bad != nil {
		return *bad
	}
	var ask struct{ Model map[string]json.RawMessage }
	if !in.in.data("data", &ask) || ask.Model == nil {
		return in.fail(8, "接口参数 data 不能为空")
	}
	if n := in.set.ConflictEvery; n > 0 && s.saves.Add(1)%int64(n) == 0 {
		return in.fail(13, "业务操作冲突，请稍候再使用")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.forms[in.in.text("formid")]
	if f == nil {
		return in.fail(0, "业务对象不存在")
	}
	id := scalarText(ask.Model[f.key])
	if id == "" || id == "0" {
		id = f.nextKey()
		ask.Model[f.key] = json.RawMessage(id)
	}
	if _, ok := f.cols["FModifyDate"]; ok && ask.Model["FModifyDate"] == nil {
		ask.Model["FModifyDate"] = cell{kind: moment, n: wallNow(s.desk.Now()).UnixNano()}.append(nil)
	}
	if err := s.upsert(f, id, ask.Model); err != nil {
		return in.fail(9, err.Error())
	}
	in.Wrote = true
	return succeeded(map[string]any{"Id": ask.Model[f.key], "Number": scalarText(ask.Model["FBillNo"])})
}

// nextKey is a key that no row has.
func (f *form) nextKey() string {
	next := int64(firstKey)
	if f.gen != nil {
		next = f.gen.First + int64(f.gen.Count)
	}
	for _, rec := range f.recs {
		if c := rec.head[f.cols[f.key].at]; c.kind == integer {
			next = max(next, c.n+1)
		}
	}
	return fmt.Sprint(next)
}

// upsert sets what a model names, on top of the row there is. The lock is
// held.
func (s *Sim) upsert(f *form, id string, model map[string]json.RawMessage) error {
	def := f.def
	def.Rows = slices.Clone(def.Rows)
	at := slices.IndexFunc(def.Rows, func(raw json.RawMessage) bool { return f.keyOf(raw) == id })
	merged := map[string]json.RawMessage{}
	if at >= 0 {
		if err := json.Unmarshal(def.Rows[at], &merged); err != nil {
			return err
		}
	} else if bill, ok := f.find(id); ok {
		merged = f.rowOf(bill)
	}
	maps.Copy(merged, model)
	raw, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	if at >= 0 {
		def.Rows[at] = raw
	} else {
		def.Rows = append(def.Rows, raw)
	}
	return s.change(f.id, def)
}

func (f *form) keyOf(raw json.RawMessage) string {
	var row map[string]json.RawMessage
	if json.Unmarshal(raw, &row) != nil {
		return ""
	}
	return scalarText(row[f.key])
}

// rowOf writes a generated bill out.
func (f *form) rowOf(bill int32) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, c := range f.cols {
		if c.entity == head {
			out[name] = f.cell(bill, c, 0).append(nil)
		}
	}
	for i, e := range f.def.Entries {
		lines := make([]map[string]json.RawMessage, f.lineCount(bill, i))
		for line := range lines {
			lines[line] = map[string]json.RawMessage{e.pk(): f.cell(bill, f.cols[e.Key+"_"+e.pk()], line).append(nil)}
			for _, field := range e.Fields {
				lines[line][field.Key] = f.cell(bill, f.cols[field.Key], line).append(nil)
			}
		}
		if raw, err := json.Marshal(lines); err == nil {
			out[e.Key] = raw
		}
	}
	return out
}

// statuses are what operations make of FDocumentStatus (§ 6).
var statuses = map[string]string{"Submit": "B", "Audit": "C", "UnAudit": "D"}

// operate is Submit, Audit, UnAudit and Delete of the bills named.
func (s *Sim) operate(in *call) simctl.Answer {
	id := in.in.text("formid")
	if _, bad := in.form(id); bad != nil {
		return *bad
	}
	var ask struct {
		Numbers []string
		IDs     string `json:"Ids"`
	}
	if !in.in.data("data", &ask) || len(ask.Numbers) == 0 && ask.IDs == "" {
		return in.fail(8, "编码值或内码值必须传其一")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.forms[id]
	if f == nil {
		return in.fail(0, "业务对象不存在")
	}
	keys, missing := f.keysOf(ask.Numbers, ask.IDs)
	if missing != "" {
		return in.fail(9, missing+"不存在")
	}
	var err error
	if in.service == "Delete" {
		err = s.remove(f, keys)
	} else if _, ok := f.cols["FDocumentStatus"]; !ok {
		return in.fail(12, "当前状态不允许操作")
	} else {
		err = s.mark(f, keys, statuses[in.service])
	}
	if err != nil {
		return in.fail(9, err.Error())
	}
	in.Wrote = true
	return succeeded(nil)
}

// mark sets the status of bills, one change after the other.
func (s *Sim) mark(f *form, keys []string, status string) error {
	for _, key := range keys {
		if err := s.upsert(s.forms[f.id], key, map[string]json.RawMessage{"FDocumentStatus": json.RawMessage(`"` + status + `"`)}); err != nil {
			return err
		}
	}
	return nil
}

// keysOf finds the bills named; missing is one that is not there.
func (f *form) keysOf(numbers []string, ids string) (keys []string, missing string) {
	for _, n := range numbers {
		bill, ok := f.bill(n, "")
		if !ok {
			return nil, n
		}
		keys = append(keys, f.cell(bill, f.cols[f.key], 0).text())
	}
	for id := range strings.SplitSeq(ids, ",") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if _, ok := f.find(id); !ok {
			return nil, id
		}
		keys = append(keys, id)
	}
	return keys, ""
}

// remove deletes bills. The lock is held.
func (s *Sim) remove(f *form, keys []string) error {
	def := f.def
	def.Rows = slices.DeleteFunc(slices.Clone(def.Rows), func(raw json.RawMessage) bool { return slices.Contains(keys, f.keyOf(raw)) })
	def.Deleted = slices.Clone(def.Deleted)
	for _, key := range keys {
		if f.gen == nil {
			break
		}
		if _, generated := f.gen.index(key); generated && !slices.Contains(def.Deleted, key) {
			def.Deleted = append(def.Deleted, key)
		}
	}
	return s.change(f.id, def)
}

// changeRows is the control call "rows".
func (s *Sim) changeRows(raw json.RawMessage) (any, error) {
	var in struct {
		FormID string                       `json:"form_id"`
		Upsert []map[string]json.RawMessage `json:"upsert"`
		Delete []json.RawMessage            `json:"delete"`
	}
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forms[in.FormID] == nil {
		return nil, fmt.Errorf("there is no form %q", in.FormID)
	}
	for i, model := range in.Upsert {
		f := s.forms[in.FormID]
		id := scalarText(model[f.key])
		if id == "" {
			return nil, fmt.Errorf("upsert %d has no %s", i, f.key)
		}
		if err := s.upsert(f, id, model); err != nil {
			return nil, fmt.Errorf("upsert %d: %w", i, err)
		}
	}
	var keys []string
	for _, id := range in.Delete {
		keys = append(keys, scalarText(id))
	}
	if len(keys) > 0 {
		if err := s.remove(s.forms[in.FormID], keys); err != nil {
			return nil, err
		}
	}
	return map[string]int{"upserted": len(in.Upsert), "deleted": len(keys)}, nil
}
