package e2e

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver of standalone's database
)

// guest is the invited person: a leaf of the demo's organisation.
func guest(t *testing.T, rows *hcm) object {
	t.Helper()
	manages := map[int]bool{}
	for _, r := range slices.Concat(rows.Organization, rows.Employee) {
		manages[number(r["manager_id"])] = true
	}
	i := slices.IndexFunc(rows.Employee, func(e object) bool { return !manages[number(e["id"])] })
	if i < 0 {
		t.Fatal("everybody of the demo manages somebody")
	}
	return rows.Employee[i]
}

// A person whose number is protected is invited once, looked for every run,
// brought up to date when they have joined, and invited again a week later
// when they have not.
func TestInvitedPeople(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	rows := demo(t)
	one := guest(t, &rows)
	userid := text(one["number"])
	must(t, "PUT", w.simURL("dingtalk", "options"), encode(t, object{"protected_mobiles": []string{text(one["mobile"])}}), nil)
	w.load(rows)
	s := w.sync(demoJob)
	w.completed(s)
	if got := s.Applied["person"]["insert"]; got.Pending != 1 || got.Failed != 0 {
		t.Fatalf("the first run: %+v", got)
	}

	// look runs the job and returns the calls about people.
	look := func(creates, reads, pending int) summary {
		t.Helper()
		w.forget()
		s := w.sync(demoJob)
		w.completed(s)
		r := w.requests("dingtalk")
		if n := calls(r, userCreate); n != creates {
			t.Errorf("%d calls of user/create, want %d: %v", n, creates, r.Paths)
		}
		if n := calls(r, "/topapi/v2/user/get") + calls(r, "/topapi/v2/user/getbymobile"); n != reads {
			t.Errorf("%d reads of people, want %d: %v", n, reads, r.Paths)
		}
		if got := s.Applied["person"]["insert"].Pending; got != pending {
			t.Errorf("%d invited, want %d", got, pending)
		}
		return s
	}
	look(0, 1, 1)
	w.invitedAgo(7*24*time.Hour - time.Hour)
	look(0, 1, 1)
	w.invitedAgo(7 * 24 * time.Hour)
	look(1, 2, 1)
	look(0, 1, 1)
	if n := w.invitations(userid); n != 2 {
		t.Errorf("%d invitations", n)
	}

	one["position"] = object{"name": "首席工程师"}
	w.load(rows)
	must(t, "POST", w.simURL("dingtalk", "accept"), encode(t, object{"userid": userid}), nil)
	s = look(0, 1, 0)
	if got := s.Applied["person"]["insert"].Done; got != 1 {
		t.Errorf("joined: applied %+v", s.Applied)
	}
	w.inStep()
	w.forget()
	if s := w.sync(demoJob); s.Progress.Total != 0 || w.requests("dingtalk").Writes != 0 {
		t.Errorf("a further run has %d changes", s.Progress.Total)
	}
}

// calls counts the calls of a path, whatever was answered.
func calls(r requests, path string) int {
	n := 0
	for _, e := range r.Log {
		if strings.HasSuffix(e.Path, path) {
			n++
		}
	}
	return n
}

// invitedAgo moves every invitation back in time.
func (w *world) invitedAgo(d time.Duration) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data, "orgflow.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	done, err := db.Exec(`UPDATE binding SET invited_at = ? WHERE state = 'pending_invite'`, time.Now().Add(-d).UnixMicro())
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := done.RowsAffected(); n != 1 || err != nil {
		w.t.Fatalf("%d invitations are stored, %v", n, err)
	}
}

// invitations is how often DingTalk has invited somebody.
func (w *world) invitations(userid string) int {
	w.t.Helper()
	var s struct {
		Invites []struct {
			UserID string `json:"userid"`
			Times  int    `json:"times"`
		} `json:"pending_invites"`
	}
	must(w.t, "GET", w.simURL("dingtalk", "state"), "", &s)
	for _, i := range s.Invites {
		if i.UserID == userid {
			return i.Times
		}
	}
	return 0
}
