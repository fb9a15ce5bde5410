package config

import (
	"testing"

	"orgflow"
)

func TestHowLongRowsAreKept(t *testing.T) {
	c := mustLoad(t, RoleStandalone, nil)
	if c.Keep != orgflow.DefaultRetention() {
		t.Errorf("by default %+v", c.Keep)
	}
	c = mustLoad(t, RoleStandalone, map[string]string{"ORGFLOW_KEEP_RUNS": "forever", "ORGFLOW_KEEP_FLOWS": "3650", "ORGFLOW_KEEP_STAGED": "8"})
	want := orgflow.DefaultRetention()
	want.Runs, want.Flows, want.Staged = 0, 3650, 8
	if c.Keep != want {
		t.Errorf("%+v, want %+v", c.Keep, want)
	}
}
