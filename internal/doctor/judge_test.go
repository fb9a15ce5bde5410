package doctor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/doctor"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// What is found is judged, and says what it is about and what to do.
func TestJudgements(t *testing.T) {
	const day = 24 * time.Hour
	cases := map[string]struct {
		got   doctor.Finding
		state doctor.State
		parts []string // all of them, in what is said
	}{
		"space":                    {doctor.Space("/data", 5<<30), doctor.OK, []string{"5.0 GiB free at /data"}},
		"space, exactly enough":    {doctor.Space("/data", 1<<30), doctor.OK, nil},
		"little space":             {doctor.Space("/data", 1<<30-1), doctor.Warning, []string{"1023 MiB", "make room"}},
		"no space":                 {doctor.Space("/data", 99<<20), doctor.Failed, []string{"99 MiB", "stops every run", "make room"}},
		"retention":                {doctor.Retention("n", 30*day), doctor.OK, []string{"30 days"}},
		"retention of a week":      {doctor.Retention("n", 7*day), doctor.OK, nil},
		"short retention":          {doctor.Retention("n", day), doctor.Warning, []string{"1 day,", "--namespace n --retention"}},
		"attributes":               {doctor.Attributes("n", nil), doctor.OK, nil},
		"attributes missing":       {doctor.Attributes("n", []string{"A", "B"}), doctor.Failed, []string{"missing in namespace n: A, B", "--name A --name B"}},
		"schedules":                {doctor.Schedules(nil, 2, nil), doctor.OK, []string{"2 schedules, as the files say"}},
		"schedules missed runs":    {doctor.Schedules(nil, 1, []doctor.Missed{{"129-x", 3}, {"129-y", 1}}), doctor.OK, []string{"1 schedule,", "3 of 129-x, 1 of 129-y", "starter schedules list"}},
		"schedules differ":         {doctor.Schedules([]doctor.Difference{{"129-x", "create"}, {"129-y", "update"}}, 1, nil), doctor.Warning, []string{"create 129-x, update 129-y", "starter schedules apply"}},
		"no key":                   {doctor.Payload(doctor.Payloads{Looked: 5, Plain: 5}), doctor.OK, []string{"none is set"}},
		"key":                      {doctor.Payload(doctor.Payloads{Key: true, Looked: 4}), doctor.OK, []string{"4 newest"}},
		"key, no workflows":        {doctor.Payload(doctor.Payloads{Key: true}), doctor.OK, []string{"no workflow"}},
		"key, others have none":    {doctor.Payload(doctor.Payloads{Key: true, Looked: 5, Plain: 2}), doctor.Warning, []string{"2 of the 5", "every program"}},
		"another key":              {doctor.Payload(doctor.Payloads{Key: true, Looked: 5, Unreadable: 1, Plain: 1, Cause: "key aa"}), doctor.Failed, []string{"1 of the 5", "key aa"}},
		"no key, others have one":  {doctor.Payload(doctor.Payloads{Looked: 5, Unreadable: 5}), doctor.Failed, []string{"not set here", "same ORGFLOW_PAYLOAD_KEY"}},
		"old PostgreSQL":           {doctor.Version("PostgreSQL 13.2", 13), doctor.Warning, []string{"PostgreSQL 13.2", "upgrade"}},
		"PostgreSQL":               {doctor.Version("PostgreSQL 17.6", 17), doctor.OK, nil},
		"SQLite":                   {doctor.Version("SQLite 3.53", 0), doctor.OK, nil},
		"writable":                 {doctor.Writable(nil), doctor.OK, nil},
		"not writable":             {doctor.Writable(errors.New("cannot insert rows: permission denied")), doctor.Failed, []string{"permission denied", "rights"}},
		"keys":                     {doctor.Keys(doctor.Access{Addr: "0.0.0.0:80", Roles: []string{"read", "admin"}}), doctor.OK, []string{"2 API keys", "1 with the role admin"}},
		"no keys on loopback":      {doctor.Keys(doctor.Access{Addr: "127.0.0.1:80", Loopback: true}), doctor.OK, []string{"this machine only"}},
		"no keys":                  {doctor.Keys(doctor.Access{Addr: "0.0.0.0:80"}), doctor.Failed, []string{"other machines", "ORGFLOW_API_KEYS"}},
		"server":                   {doctor.Listening("h:1", doctor.ServerReady), doctor.OK, []string{"ready"}},
		"no server":                {doctor.Listening("h:1", doctor.ServerNone), doctor.OK, []string{"free"}},
		"server that is not ready": {doctor.Listening("h:1", doctor.ServerNotReady), doctor.Warning, []string{"log"}},
		"address taken":            {doctor.Listening("h:1", doctor.ServerOther), doctor.Failed, []string{"not orgflow", "ORGFLOW_HTTP_ADDR"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { judged(t, c.got, c.state, c.parts...) })
	}
}

func judged(t *testing.T, got doctor.Finding, state doctor.State, parts ...string) {
	t.Helper()
	if got.State != state {
		t.Errorf("state %s, want %s: %+v", got.State, state, got)
	}
	if (got.State == doctor.Failed || got.State == doctor.Warning) && got.Advice == "" {
		t.Errorf("says not what to do: %+v", got)
	}
	for _, part := range parts {
		if !strings.Contains(got.Found+" "+got.Advice, part) {
			t.Errorf("does not say %q: %+v", part, got)
		}
	}
}

// Somebody who is listed and does not ask any more works on nothing.
func TestWorkers(t *testing.T) {
	seen := func(who string, ago time.Duration) doctor.Poller {
		return doctor.Poller{Identity: who, Seen: noon.Add(-ago)}
	}
	for name, c := range map[string]struct {
		pollers []doctor.Poller
		state   doctor.State
		says    string
	}{
		"none":              {nil, doctor.Failed, "no worker"},
		"one, of two kinds": {[]doctor.Poller{seen("a", time.Second), seen("a", time.Minute)}, doctor.OK, "1 worker on"},
		"two":               {[]doctor.Poller{seen("a", time.Second), seen("b", time.Second)}, doctor.OK, "2 workers on"},
		"one killed":        {[]doctor.Poller{seen("a", time.Second), seen("b", 4*time.Minute)}, doctor.OK, "1 worker on"},
		"all killed":        {[]doctor.Poller{seen("a", 4*time.Minute), seen("b", 3*time.Minute)}, doctor.Warning, "3m0s ago"},
		"clock ahead of us": {[]doctor.Poller{seen("a", -time.Minute)}, doctor.OK, "1 worker on"},
	} {
		t.Run(name, func(t *testing.T) { judged(t, doctor.Workers("orgflow", c.pollers, noon), c.state, c.says) })
	}
}

// A slow answer accuses no clock; only what the bounds leave no doubt of does.
func TestClock(t *testing.T) {
	for name, c := range map[string]struct {
		shown time.Duration // of the other clock, from when we asked
		took  time.Duration
		grain time.Duration
		state doctor.State
		says  string
	}{
		"same":                       {0, 0, time.Second, doctor.OK, "agree"},
		"second cut off":             {-900 * time.Millisecond, 0, time.Second, doctor.OK, "agree"},
		"slow answer":                {50 * time.Second, time.Minute, 0, doctor.OK, "agree"},
		"a few seconds":              {10 * time.Second, 0, 0, doctor.OK, "10s ahead of"},
		"half a minute":              {30 * time.Second, 0, 0, doctor.Warning, "30s ahead of"},
		"behind":                     {-2 * time.Minute, time.Second, time.Second, doctor.Warning, "1m59s behind"},
		"minutes":                    {4 * time.Minute, 0, 0, doctor.Failed, "4m0s ahead of"},
		"minutes, perhaps not":       {4 * time.Minute, time.Second, 0, doctor.Warning, "3m59s ahead of"},
		"minutes behind":             {-5 * time.Minute, 0, 0, doctor.Failed, "5m0s behind"},
		"slow answer of a bad clock": {-6 * time.Minute, time.Minute, 0, doctor.Failed, "6m0s behind"},
	} {
		t.Run(name, func(t *testing.T) {
			judged(t, doctor.Clock("the vendor's", doctor.Reading{Shown: noon.Add(c.shown), Asked: noon, Answered: noon.Add(c.took), Grain: c.grain}), c.state, c.says)
		})
	}
}

func TestSettings(t *testing.T) {
	got := doctor.Settings([]string{"A: is bad"}, []string{"B is no setting"})
	if len(got) != 2 || got[0].State != doctor.Failed || got[0].Found != "A: is bad" || got[1].State != doctor.Warning {
		t.Errorf("%+v", got)
	}
	if got := doctor.Settings(nil, nil); len(got) != 1 || got[0].State != doctor.OK {
		t.Errorf("%+v", got)
	}
}

func TestFiles(t *testing.T) {
	got := doctor.Files(129, []orgflow.Problem{
		{File: "companies/129/company.json", Line: 3, Column: 4, Pointer: "/x", Message: "is wrong"}, {Pointer: "/y", Message: "is odd", Warning: true},
	})
	if len(got) != 2 || got[0].State != doctor.Failed || got[0].Found != "companies/129/company.json:3:4: /x: is wrong" || got[1].State != doctor.Warning || got[1].CompanyID != 129 {
		t.Errorf("%+v", got)
	}
	if got := doctor.Files(0, nil); len(got) != 1 || got[0].State != doctor.OK || got[0].Area != doctor.AreaFiles {
		t.Errorf("%+v", got)
	}
}
