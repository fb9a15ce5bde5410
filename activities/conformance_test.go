package activities

import (
	"slices"
	"testing"
)

// subject is a consumer in front of the conformance suite: what the suite
// has to know of it. docs/consumers.md says how to add one.
type subject struct {
	name string // of its subtests
	vendor
	holds func(state any) holding // what the simulator holds, by the consumer's ids

	calls     []string // paths of all calls but those for tokens; "*" at the end matches any rest
	writes    []string // paths of the calls that write
	envelope  string   // key of the answers' code, whose value 0 means success
	bad       func(w *trial, userid string)
	throttled []string // faults' answers that mean "too fast"
	gone      []string // codes that say that there is nothing to delete, or other words of success
	done      []int    // HTTP statuses that say the same whatever the body is

	// lacks says why it cannot do what a scenario is about; or why an answer
	// that looks malformed is one that its vendor documents.
	lacks map[string]string
	// files are templates of its own; extras are that many more persons, so
	// that there are enough of them for what is done with many only.
	files  map[string]string
	extras int
}

// What a consumer may lack by its nature, as keys of subject.lacks.
const (
	lacksLeaders  = "leaders"
	lacksManagers = "managers"
	lacksParents  = "parents"
	lacksTokens   = "tokens"
	lacksReads    = "reads"   // it cannot show what it holds
	lacksRefusal  = "refusal" // nobody can make it refuse one record
)

// holding is what a simulator holds, by the consumer's ids.
type holding struct {
	orgs   map[string]heldOrg
	people map[string]heldPerson
}

type heldOrg struct {
	Name, Parent string
	Leaders      []string
}

type heldPerson struct {
	Name, Mobile, Title string
	Orgs                []string
	Manager             string
}

// subjects are all consumers of the build.
var subjects = []subject{
	dingTalk("v2", "/topapi/v2"),
	dingTalk("v1", ""),
	weComSubject(),
	weComClosed(),
	weComImporting(),
	weComDescribed(),
	aiGuanHuai("incremental", "update"),
	aiGuanHuai("full", "add-prepare", "add", "add-complete"),
	aiGuanHuaiDescribed("incremental", "update"),
	aiGuanHuaiDescribed("full", "add-prepare", "add", "add-complete"),
	emmCloud(),
	scim(),
}

func weComSubject() subject {
	return subject{
		name: "WeCom", vendor: weComVendor("", "{}"),
		holds: heldAtWeCom, envelope: "errcode",
		calls:     []string{"/cgi-bin/user/*", "/cgi-bin/department/*"},
		writes:    []string{"/cgi-bin/user/create", "/cgi-bin/user/update", "/cgi-bin/user/delete", "/cgi-bin/department/create", "/cgi-bin/department/update", "/cgi-bin/department/delete"},
		bad:       refuses("/cgi-bin/user/create", "60103"),
		throttled: []string{`"errcode": 45009`, `"errcode": 45033`},
		gone:      []string{"60111", "60003", "60123"},
		lacks: map[string]string{
			noCode: "an answer without errcode is a success (WeCom reference § 1)",
		},
	}
}

// sampled is a table, or under the race detector a tenth of it, another one
// for each place that asks: SQLite is fifteen times as slow there.
func sampled[T any](place int, table []T) []T {
	every := min(killEvery, 10, len(table))
	out := make([]T, 0, len(table))
	for i := place % every; i < len(table); i += every {
		out = append(out, table[i])
	}
	return out
}

// place is the subject's number, by which it is given its own samples.
func (s subject) place() int {
	return slices.IndexFunc(subjects, func(other subject) bool { return other.name == s.name })
}

// eachConsumer runs a scenario for every consumer that has what it needs.
func eachConsumer(t *testing.T, needs string, scenario func(t *testing.T, s subject)) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			if reason, lacking := s.lacks[needs]; lacking {
				t.Skipf("%s cannot: %s", s.name, reason)
			}
			t.Parallel()
			scenario(t, s)
		})
	}
}
