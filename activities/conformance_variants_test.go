package activities

import (
	"encoding/json"
	"strings"
	"time"

	"orgflow/connectors/simctl"
)

// Consumers of which something differs: what the vendor shows, how changes
// are sent, or what the connector is made of. The suite is the same.

// withOptions changes switches of a subject's simulator.
func (s subject) withOptions(options string) subject {
	simulator := s.simulator
	s.simulator = func(now func() time.Time) simctl.Simulator {
		sim := simulator(now)
		if err := sim.SetOptions(json.RawMessage(options)); err != nil {
			panic(err) // of a constant
		}
		return sim
	}
	return s
}

// without adds to what a subject lacks.
func (s subject) without(what, reason string) subject {
	lacks := map[string]string{what: reason}
	for key, other := range s.lacks {
		lacks[key] = other
	}
	s.lacks = lacks
	return s
}

// leaderless is a template of WeCom's departments that leaves out who leads.
const leaderless = `{"fields": [
  {"key": "name", "map": "name", "field": ["name"], "required": true, "type": "string"},
  {"key": "parent_id", "map": "parentid", "field": ["parent_id"], "type": "string", "transforms": [{"op": "bind", "kind": "org"}]}]}`

// weComClosed is WeCom where members' details may not be read (WeCom
// reference § 3): its documented way out is to leave out who leads.
func weComClosed() subject {
	s := weComSubject().withOptions(`{"details": "closed"}`).without(lacksLeaders, "flags that may not be read are not written")
	s.name = "WeCom without details"
	s.files = map[string]string{"HcmWorkSyncService.org_new.json": leaderless}
	return s
}

// weComImporting is WeCom with waves of more than 50 changes sent as import
// jobs, each of which takes half a minute.
func weComImporting() subject {
	s := weComSubject().withOptions(`{"job_seconds": 30}`).without(lacksRefusal, "its simulator refuses calls, not lines: TestABadLineFailsAlone")
	s.name, s.extras = "WeCom importing", 60
	s.settings = strings.Replace(s.settings, `"qps": 0`, `"qps": 0, "import_above": 50`, 1)
	s.writes = append(s.writes[:len(s.writes):len(s.writes)], "/cgi-bin/media/upload", "/cgi-bin/batch/syncuser")
	return s
}

// described is a subject whose connector in Go is replaced by a definition:
// what the language can say, before the same simulator.
func (s subject) described(settings string) subject {
	s.name += " as a definition"
	s.vendor = s.vendor.described(settings, asItIs)
	return s
}

func weComDescribed() subject {
	s := weComSubject().described(describedWeCom)
	s = s.without(lacksLeaders, "WeCom keeps flags of leaders beside the members, which the language cannot say")
	s.files = map[string]string{"HcmWorkSyncService.org_new.json": leaderless}
	delete(s.lacks, noCode) // the definition wants an errcode
	return s
}

func aiGuanHuaiDescribed(push string, calls ...string) subject {
	return aiGuanHuai(push, calls...).described(describedSettings(""))
}
