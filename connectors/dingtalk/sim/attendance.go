package dtsim

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

const (
	pathAttendance = "/attendance/list"
	punchLayout    = "2006-01-02 15:04:05"
)

// attendance answers attendance/list, whose payload is at the top level. Its
// errors come bare: whether the real ones are wrapped in 88 is unconfirmed
// (§ 1.1).
func (s *Sim) attendance(c *simctl.Call) simctl.Answer {
	a := parseArgs(c)
	a.old = []word{} // no gateway of /topapi: a bad argument is 40035
	if r := s.admit(c); r != nil {
		return s.failed(c, r)
	}
	if a.bad != nil {
		return s.failed(c, a.bad)
	}
	result, r := s.listAttendance(c, a)
	if r != nil {
		return s.failed(c, r)
	}
	return simctl.JSON(http.StatusOK, simctl.OK, result)
}

type punchPage struct {
	Errcode int     `json:"errcode"`
	Errmsg  string  `json:"errmsg"`
	HasMore bool    `json:"hasMore"`
	Records []Punch `json:"recordresult"`
}

// listAttendance is attendance/list (§ 6.1): results of at most 50 people and
// 7 days, 50 at a time. Nobody is unknown: who has no results has none.
func (s *Sim) listAttendance(_ *simctl.Call, a *args) (any, *refusal) {
	var people []string
	from, to := a.needStr("workDateFrom"), a.needStr("workDateTo")
	if !a.into("userIdList", &people) {
		a.missing("userIdList")
	}
	offset, limit := a.needInt("offset"), a.needInt("limit")
	abroad, _ := a.bool("isI18n")
	switch {
	case a.bad != nil:
		return nil, a.bad
	case len(people) < 1 || len(people) > 50:
		return nil, refuse(40035, "不合法的参数: userIdList has 1 to 50 entries")
	case offset < 0:
		return nil, refuse(40068, "不合法的分页偏移量: offset is 0 or more")
	case limit < 1 || limit > 50:
		return nil, refuse(40069, "不合法的分页大小: limit is 1..50")
	}
	first, last, r := s.punchDays(from, to)
	if r != nil {
		return nil, r
	}
	page := punchPage{Errmsg: "ok", Records: []Punch{}}
	if abroad { // true for a mainland organisation returns nothing
		return page, nil
	}
	found := s.punchesOf(people, first, last)
	begin := min(int(min(offset, int64(len(found)))), len(found))
	end := min(begin+int(limit), len(found))
	page.HasMore = end < len(found)
	for _, p := range found[begin:end] {
		page.Records = append(page.Records, *p)
	}
	return page, nil
}

// punchDays reads the span of a call: days, whatever their time part says.
func (s *Sim) punchDays(from, to string) (first, last time.Time, r *refusal) {
	for _, v := range []struct {
		text string
		day  *time.Time
	}{{from, &first}, {to, &last}} {
		t, err := time.ParseInLocation(punchLayout, v.text, china)
		if err != nil {
			return first, last, refuse(41100, "时间格式不正确: yyyy-MM-dd HH:mm:ss is needed")
		}
		*v.day = midnight(t)
	}
	days := int(last.Sub(first)/(24*time.Hour)) + 1
	switch {
	case days < 1:
		return first, last, refuse(40035, "不合法的参数: workDateTo is before workDateFrom")
	case days > 7:
		return first, last, refuse(41041, "查询的时间跨度不能超过7天")
	case first.Before(midnight(s.desk.Now()).AddDate(0, -6, 0)):
		return first, last, refuse(40035, "不合法的参数: workDateFrom is older than half a year")
	}
	return first, last, nil
}

// punchesOf lists results by working day, then by id. The real order is not
// documented.
func (s *Sim) punchesOf(people []string, first, last time.Time) []*Punch {
	invent, now := s.settings.Load().InventAttendance, s.desk.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*Punch
	for _, user := range slices.Compact(slices.Sorted(slices.Values(people))) {
		if _, known := s.dir.users[user]; invent && known && len(s.dir.punches[user]) == 0 {
			out = append(out, inventedPunches(user, first, last, now)...)
		}
		for _, p := range s.dir.punches[user] {
			if day := p.WorkDate.time(); !day.Before(first) && day.Before(last.AddDate(0, 0, 1)) {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(x, y *Punch) int {
		return cmp.Or(cmp.Compare(x.WorkDate, y.WorkDate), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// quota counts the calls of a calendar month that the quota counts (§ 11).
// What is refused for rate or permission does not count.
type quota struct {
	mu    sync.Mutex
	month string
	used  int
}

// spend books a call; false is a quota that is used up.
func (q *quota) spend(limit int, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if month := now.In(china).Format("2006-01"); month != q.month {
		q.month, q.used = month, 0
	}
	if limit > 0 && q.used >= limit {
		return false
	}
	q.used++
	return true
}

func (q *quota) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.month, q.used = "", 0
}
