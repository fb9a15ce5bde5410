package rest

import (
	"slices"

	"orgflow"
	"orgflow/connectors/vendorcode"
)

// outcome is what became of one record of a call.
type outcome struct {
	no *refusal // nil is success
	id string   // that the consumer gave it
}

// results reads the outcomes of single records. An answer that says nothing
// about a record leaves it unknown.
func (c *Client) results(q request, a *answer, records []*record) []outcome {
	out := make([]outcome, len(records))
	by := q.call.Batch.Results
	if by == nil {
		if len(records) == 1 && a != nil {
			out[0].id = textAt(a.body, q.call.ID)
		}
		return out
	}
	list, _ := at(a.body, by.List)
	entries, _ := list.([]any)
	failed := false
	for i, r := range records {
		entry, there := by.entry(entries, i, r)
		if !there {
			out[i].no = silent(failed && q.call.Batch.StopsAtFirst)
			continue
		}
		out[i] = c.result(q, by, a, entry)
		failed = failed || out[i].no != nil
	}
	return out
}

// entry finds a record's entry.
func (by *Results) entry(entries []any, i int, r *record) (any, bool) {
	if by.Key == "" {
		if i >= len(entries) {
			return nil, false
		}
		return entries[i], true
	}
	n := slices.IndexFunc(entries, func(e any) bool {
		id := textAt(e, by.Key)
		return id != "" && (id == r.id || id == r.key)
	})
	if n < 0 {
		return nil, false
	}
	return entries[n], true
}

// result judges one entry like an answer of its own.
func (c *Client) result(q request, by *Results, whole *answer, entry any) outcome {
	a := &answer{
		status: whole.status, header: whole.header, body: entry, json: true,
		code: textAt(entry, by.Code), text: textAt(entry, by.Message),
	}
	if by.Success.holds(a) {
		return outcome{id: textAt(entry, by.ID)}
	}
	for _, rules := range [][]Rule{q.call.Errors, c.def.Errors} {
		for i := range rules {
			if r := &rules[i]; len(r.Codes)+len(r.Message) > 0 && r.holds(a) {
				return outcome{no: c.apply(r, q, a)}
			}
		}
	}
	f := &orgflow.Fault{Code: orgflow.CodeInternal, VendorCode: codeOf(a), Message: c.words(a),
		Advice: "the definition of " + c.name + " has no rule for this code; look it up in the vendor's table and add one"}
	if a.code == "" || by.Success.near(a) {
		f.Code = orgflow.CodeUnknownOutcome
	}
	return outcome{no: &refusal{FailRecord, f}}
}

// silent is the outcome of a record the answer says nothing about.
func silent(behindFailure bool) *refusal {
	if behindFailure {
		return &refusal{Retry, &orgflow.Fault{
			Code: orgflow.CodeUnavailable, Message: "not done: the consumer stops at the first record that fails",
		}}
	}
	return &refusal{Unknown, &orgflow.Fault{
		Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: "the answer says nothing about this record",
	}}
}
