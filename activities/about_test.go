package activities

import (
	"log/slog"
	"reflect"
	"slices"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"orgflow"
)

// roll writes down the argument of each activity.
type roll struct {
	worker.ActivityRegistry
	arguments map[string]any
}

func (r roll) RegisterActivityWithOptions(fn any, o activity.RegisterOptions) {
	r.arguments[o.Name] = reflect.Zero(reflect.TypeOf(fn).In(1)).Interface()
}

// No activity can be added whose lines and spans do not say what it is about.
func TestEveryActivityIsAboutSomething(t *testing.T) {
	r := roll{arguments: map[string]any{}}
	(&Sync{}).Register(r)
	(&Flows{}).Register(r)
	(&Loads{}).Register(r)
	(&Messages{}).Register(r)
	(&Org{}).Register(r)
	begin := []string{orgflow.ActivityPrepareRun, orgflow.ActivityPrepareLoad, orgflow.ActivityPreparePull} // there is no id yet
	if len(r.arguments) < 30 {
		t.Fatalf("%d activities", len(r.arguments))
	}
	for name, argument := range r.arguments {
		if told := len(About(argument)) > 0; told == slices.Contains(begin, name) {
			t.Errorf("%s (%T): tells what it is about: %v", name, argument, told)
		}
	}
}

func TestAboutNamesIDs(t *testing.T) {
	for want, argument := range map[string]any{
		"[run_id=sync-1 phase=person_insert]":          ApplyParams{RunID: "sync-1", Phase: "person_insert", From: 1, To: 64},
		"[run_id=sync-1]":                              FinishParams{RunID: "sync-1", Canceled: true},
		"[pull_id=pull-1]":                             PullEnd{PullID: "pull-1"},
		"[load_id=erp-1 window=3]":                     WindowParams{LoadID: "erp-1", Window: WindowRef{Seq: 3}},
		"[flow=purchase01_202611_0001 company_id=129]": FlowStepParams{CompanyID: 129, No: "purchase01_202611_0001", Key: "x"},
		"[target=129/ding_talk]":                       orgflow.Target{CompanyID: 129, Consumer: "ding_talk"},
		"[]":                                           42,
	} {
		if got := slog.AnyValue(About(argument)).String(); got != want {
			t.Errorf("%T is about %s, want %s", argument, got, want)
		}
	}
}
