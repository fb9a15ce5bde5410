package dtsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// china is the time zone of days (China has no daylight saving).
var china = time.FixedZone("CST", 8*60*60)

// Punch is a result of attendance, an element of recordresult (§ 6.1), and
// what PUT state takes: there everything but userId, checkType and a time may
// be left out.
type Punch struct {
	ID             int64  `json:"id"`
	UserID         string `json:"userId"`
	WorkDate       stamp  `json:"workDate"`
	CheckType      string `json:"checkType"`
	TimeResult     string `json:"timeResult"`
	LocationResult string `json:"locationResult"`
	BaseCheckTime  stamp  `json:"baseCheckTime"`
	UserCheckTime  stamp  `json:"userCheckTime"`
	PlanID         int64  `json:"planId"`
	GroupID        int64  `json:"groupId"`
	RecordID       int64  `json:"recordId,omitempty"` // absent when there is no punch
	SourceType     string `json:"sourceType"`
	ApproveID      int64  `json:"approveId,omitempty"`
	ProcInstID     string `json:"procInstId,omitempty"`
	CorpID         string `json:"corpId,omitempty"`
}

// stamp is a time in epoch milliseconds. PUT state takes China's wall clock
// as text too: "2026-11-20" or "2026-11-20 09:00:00".
type stamp int64

// UnmarshalJSON implements json.Unmarshaler.
func (s *stamp) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil || string(raw) == "null" {
		return json.Unmarshal(raw, (*int64)(s))
	}
	for _, layout := range []string{time.DateOnly, punchLayout} {
		if t, err := time.ParseInLocation(layout, text, china); err == nil {
			*s = stamp(t.UnixMilli())
			return nil
		}
	}
	return fmt.Errorf("%q is no time: epoch milliseconds, 2026-11-20 or 2026-11-20 09:00:00", text)
}

func (s stamp) time() time.Time { return time.UnixMilli(int64(s)).In(china) }

func midnight(t time.Time) time.Time {
	year, month, day := t.In(china).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, china)
}

// putPunch adds a result, or replaces the one with its id.
func (d *directory) putPunch(p *Punch) {
	if d.punches[p.UserID] == nil {
		d.punches[p.UserID] = map[int64]*Punch{}
	}
	d.punches[p.UserID][p.ID] = p
}

func (d *directory) sortedPunches() []*Punch {
	var out []*Punch
	for _, user := range slices.Sorted(maps.Keys(d.punches)) {
		out = slices.AppendSeq(out, maps.Values(d.punches[user]))
	}
	slices.SortFunc(out, func(x, y *Punch) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// addPunches takes the results of a state, completed. Ids left out go on from
// the highest.
func (d *directory) addPunches(list []Punch) error {
	taken := map[int64]bool{0: true}
	last := int64(0)
	for _, p := range list {
		last = max(last, p.ID)
	}
	for i := range list {
		p := &list[i]
		if p.ID == 0 {
			last++
			p.ID = last
		}
		if p.ID < 0 || taken[p.ID] {
			return fmt.Errorf("attendance[%d]: id %d is below 1 or there twice", i, p.ID)
		}
		taken[p.ID] = true
		if err := p.complete(); err != nil {
			return fmt.Errorf("attendance[%d]: %w", i, err)
		}
		d.putPunch(p)
	}
	return nil
}

var (
	checkTypes  = []string{"OnDuty", "OffDuty"}
	timeResults = []string{"Normal", "Early", "Late", "SeriousLate", "Absenteeism", "NotSigned"}
	places      = []string{"Normal", "Outside", "NotSigned"}
)

// complete checks a result and fills in what was left out: a 9 to 18 shift.
func (p *Punch) complete() error {
	switch {
	case p.UserID == "":
		return fmt.Errorf("userId is missing")
	case !slices.Contains(checkTypes, p.CheckType):
		return fmt.Errorf("checkType is %q: allowed are %v", p.CheckType, checkTypes)
	case cmp.Or(p.WorkDate, p.BaseCheckTime, p.UserCheckTime) <= 0:
		return fmt.Errorf("workDate is missing")
	}
	p.TimeResult = cmp.Or(p.TimeResult, "Normal")
	signed := p.TimeResult != "NotSigned"
	place, source := "Normal", "USER"
	if !signed {
		place, source = "NotSigned", "SYSTEM"
	}
	p.LocationResult, p.SourceType = cmp.Or(p.LocationResult, place), cmp.Or(p.SourceType, source)
	if !slices.Contains(timeResults, p.TimeResult) || !slices.Contains(places, p.LocationResult) {
		return fmt.Errorf("timeResult is %q and locationResult %q: allowed are %v and %v", p.TimeResult, p.LocationResult, timeResults, places)
	}
	p.WorkDate = cmp.Or(p.WorkDate, stamp(midnight(cmp.Or(p.BaseCheckTime, p.UserCheckTime).time()).UnixMilli()))
	hours := map[string]time.Duration{"OnDuty": 9 * time.Hour, "OffDuty": 18 * time.Hour}[p.CheckType]
	p.BaseCheckTime = cmp.Or(p.BaseCheckTime, p.WorkDate+stamp(hours.Milliseconds()))
	p.UserCheckTime = cmp.Or(p.UserCheckTime, p.BaseCheckTime)
	p.PlanID, p.GroupID = cmp.Or(p.PlanID, 8_000_000+p.ID), cmp.Or(p.GroupID, 121_325_603)
	if signed {
		p.RecordID = cmp.Or(p.RecordID, 9_000_000+p.ID)
	}
	return nil
}
