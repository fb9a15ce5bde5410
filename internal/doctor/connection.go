package doctor

import (
	"context"
	"fmt"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// Connection tries a connector in the way it offers: step by step
// (connectors.Prober), at once (connectors.Checker), or not at all. Nothing
// is written.
func Connection(ctx context.Context, connector any) []Finding {
	switch c := connector.(type) {
	case connectors.Prober:
		return steps(c.Probe(ctx))
	case connectors.Checker:
		if err := c.Check(ctx); err != nil {
			return Faulted("connection", err)
		}
	default:
		return []Finding{{State: Warning, Check: "connection", Found: "it can be built; the system has no call that would prove more without writing"}}
	}
	if b, ok := connector.(connectors.Unproven); ok && b.Unproven() != "" {
		return []Finding{{State: OK, Check: "connection", Found: "answers; " + b.Unproven()}}
	}
	return []Finding{{State: OK, Check: "connection", Found: "address, credentials and rights to read are right"}}
}

func steps(list []connectors.Step) []Finding {
	out := make([]Finding, 0, len(list))
	for _, s := range list {
		f := Finding{State: OK, Check: s.Name, Found: "works"}
		if s.Needs != "" {
			f.Found = "granted: " + s.Needs
		}
		switch {
		case s.Skipped:
			f.State, f.Found = Skipped, "not tried after what failed before"
		case s.Fault != nil:
			f = Faulted(s.Name, s.Fault)[0]
			if s.Needs != "" && s.Fault.Code == orgflow.CodeForbidden && !strings.Contains(f.Found+f.Advice, s.Needs) {
				f.Found += "; needed: " + s.Needs
			}
		}
		out = append(out, f)
	}
	return out
}

// Source tries to read one row of each model, and asks for its id only. A
// source that can be checked without reading is checked instead. A model
// that is missing where another can be read is a warning: not every company
// syncs departments and people.
func Source(ctx context.Context, source connectors.Source, models []string) []Finding {
	if c, ok := source.(connectors.Checker); ok {
		if err := c.Check(ctx); err != nil {
			return Faulted("connection", err)
		}
		return []Finding{{State: OK, Check: "connection", Found: "can be read"}}
	}
	var out []Finding
	readable := false
	for _, model := range models {
		page, err := source.ReadPage(ctx, connectors.Query{
			Model: model, PageSize: 1, Fields: []connectors.Column{{Key: "id", Field: []string{"id"}}},
		}, "")
		if err != nil && orgflow.AsFault(err).Code == orgflow.CodeUnauthorized {
			return Faulted("connection", err) // the other models would say the same
		}
		if err != nil {
			out = append(out, Faulted(model, err)...)
			continue
		}
		readable = true
		out = append(out, Finding{State: OK, Check: model, Found: "can be read" + declared(page.Declared)})
	}
	for i := range out {
		f := &out[i]
		if readable && f.State == Failed && strings.HasPrefix(f.Found, string(orgflow.CodeInvalidConfig)) {
			f.State = Warning
			f.Found += "; only jobs that read " + f.Check + " need it"
		}
	}
	return out
}

func declared(n int) string {
	if n < 0 {
		return ""
	}
	return fmt.Sprintf(", %s", plural(n, "row"))
}
