package doctor

import (
	"fmt"

	"orgflow"
)

// Settings judges the settings: problems make programs refuse to start,
// warnings are what they say at the start.
func Settings(problems, warnings []string) []Finding {
	var out []Finding
	for _, p := range problems {
		out = append(out, Finding{State: Failed, Area: AreaSettings, Check: "environment", Found: p, Advice: "correct the variable; programs do not start with it"})
	}
	for _, w := range warnings {
		out = append(out, Finding{State: Warning, Area: AreaSettings, Check: "environment", Found: w})
	}
	if len(out) == 0 {
		out = []Finding{{State: OK, Area: AreaSettings, Check: "environment", Found: "all settings can be used"}}
	}
	return out
}

// Files judges what the linter says of a company's files; company 0 is what
// all companies share. A reference that cannot be resolved is left to the
// connection that needs it.
func Files(company int64, found []orgflow.Problem) []Finding {
	out := problems("mapping", found)
	if len(out) == 0 {
		out = []Finding{{State: OK, Check: "mapping", Found: "all files are in order"}}
	}
	for i := range out {
		out[i].Area, out[i].CompanyID = AreaFiles, company
	}
	return out
}

// Access is who may use the HTTP API.
type Access struct {
	Addr     string // host:port it listens on
	Loopback bool
	Roles    []string // of the accepted keys
}

// Keys judges who may use the HTTP API.
func Keys(a Access) Finding {
	f := Finding{State: OK, Area: AreaHTTP, Check: "keys"}
	admins := 0
	for _, role := range a.Roles {
		if role == "admin" {
			admins++
		}
	}
	switch {
	case len(a.Roles) > 0:
		f.Found = fmt.Sprintf("%s accepted, %d with the role admin", plural(len(a.Roles), "API key"), admins)
	case a.Loopback:
		f.Found = "no API keys; " + a.Addr + " can be reached from this machine only, where everybody may do everything"
	default:
		f.State, f.Found = Failed, "no API keys, and "+a.Addr+" can be reached from other machines"
		f.Advice = "set ORGFLOW_API_KEYS, or let ORGFLOW_HTTP_ADDR begin with 127.0.0.1"
	}
	return f
}

// Server is what was met at the address of the HTTP API.
type Server int

// What may be met there.
const (
	ServerNone  Server = iota // nobody listens
	ServerReady               // orgflow, ready
	ServerNotReady
	ServerOther // something that is not orgflow
)

// Listening judges what answers at the address of the HTTP API.
func Listening(addr string, met Server) Finding {
	f := Finding{State: OK, Area: AreaHTTP, Check: "server"}
	switch met {
	case ServerReady:
		f.Found = "a server answers at " + addr + " and is ready"
	case ServerNone:
		f.Found = "no server runs at " + addr + " now; the address is free for one"
	case ServerNotReady:
		f.State, f.Found = Warning, "the server at "+addr+" says that it is not ready"
		f.Advice = "see what failed here, and the server's log"
	case ServerOther:
		f.State, f.Found = Failed, addr+" is taken by something that is not orgflow"
		f.Advice = "stop it, or set ORGFLOW_HTTP_ADDR to another address"
	}
	return f
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
