package kdsim

import (
	"encoding/json"
	"fmt"
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
