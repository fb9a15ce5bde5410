package activities

import (
	"strings"
	"testing"

	"orgflow"
)

// choosy is a consumer whose connection does not take some fields.
type choosy struct{ *directory }

func (c choosy) Profile() orgflow.Profile {
	p := c.directory.Profile()
	p.PersonRefused = map[string]string{"login_email": "is not there; the nearest is email", "nickname": "is not there"}
	p.OrgRefused = map[string]string{"brief": "is not there; the nearest is extension"}
	return p
}

// A template that fills what the connection does not take ends the run before
// anything is read, a plan before it is made, and a what-if; the message names
// file, entry and field, of all of them at once.
func TestATemplateThatFillsWhatIsNotTakenIsRefused(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(1))
	w.sync = w.worker(w.db, choosy{w.remote})
	if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the shipped templates end %s", s.Status)
	}
	w.write("HcmDingSyncService.person_new.json", `{"fields": [
		{"key": "number", "map": "userid", "field": ["number"], "required": true, "type": "string"},
		{"key": "name", "map": "name", "field": ["name"], "required": true, "type": "string"},
		{"key": "mobile", "map": "mobile", "field": ["mobile"], "required": true, "type": "string"},
		{"key": "org_ids", "map": "dept_id_list", "field": ["org_ids"], "type": "string"},
		{"key": "number", "map": "nickname", "field": ["number"], "type": "string", "is_extattr": true},
		{"key": "number", "map": "nickname", "field": ["number"], "type": "string"},
		{"key": "email", "map": "login_email", "field": ["email"], "type": "string"}]}`)
	p := w.begin(bothKinds(""))
	_, whatIf := w.ask(bothKinds(""), map[string][]any{"person_new": {person{ID: 1001, Dept: 11}.row()}})
	w.fetch(p)
	before := len(w.remote.calls)
	for where, err := range map[string]error{
		"check":   w.perform(task{}, orgflow.ActivityCheckConsumer, RunParams{RunID: p.RunID}, nil),
		"plan":    w.perform(task{}, orgflow.ActivityPlanRun, RunParams{RunID: p.RunID}, nil),
		"what-if": whatIf,
	} {
		if err == nil {
			t.Errorf("%s: accepted", where)
			continue
		}
		for _, part := range []string{"HcmDingSyncService.person_new.json", "/fields/5/map", `"nickname" is not there`, "/fields/6/map", `"login_email" is not there; the nearest is email`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %q", where, err, part)
			}
		}
		if strings.Contains(err.Error(), "/fields/4") {
			t.Errorf("%s: a custom attribute of that label is refused: %v", where, err)
		}
		if where != "what-if" {
			wantFault(t, err, orgflow.CodeInvalidConfig, false)
		}
	}
	if len(w.remote.calls) != before {
		t.Error("something was sent")
	}
}
