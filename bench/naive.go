package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// script is what is found on many a server that keeps DingTalk in step today:
// it reads the HCM, lists every department and every member at DingTalk, then
// creates or updates every one without comparing anything, and deletes who is
// left over. One call after the other, and each asks for a token first
// (DingTalk reference § 2.1, § 4). It keeps nothing; but what it makes is right.
type script struct {
	loop    *loop
	people  map[string]bool  // userids at DingTalk
	numbers map[int64]string // source id → userid
	deep    []int64          // departments at DingTalk, a parent before its children
	keys    map[int64]string // department at DingTalk → its source identifier
	known   map[string]int64 // the way back
}

// runScript runs it once, on the simulators at sim.
func runScript(ctx context.Context, sim string) error {
	s := &script{
		loop: &loop{sim: sim, depts: map[int64]int64{}}, people: map[string]bool{}, numbers: map[int64]string{},
		keys: map[int64]string{}, known: map[string]int64{},
	}
	orgs, err := readAll[orgRow](ctx, s.loop, "Organization")
	if err != nil {
		return err
	}
	people, err := readAll[personRow](ctx, s.loop, "Employee")
	if err != nil {
		return err
	}
	if err := s.list(ctx, 1); err != nil {
		return err
	}
	for _, p := range people {
		s.numbers[p.ID] = p.Number
	}
	steps := []func(context.Context, []orgRow, []personRow) error{s.departments, s.persons, s.managers, s.leftOver}
	for _, step := range steps {
		if err := step(ctx, orgs, people); err != nil {
			return err
		}
	}
	return nil
}

// list walks through the departments below one and their members.
func (s *script) list(ctx context.Context, dept int64) error {
	for cursor, more := int64(0), true; more; {
		var page struct {
			HasMore bool  `json:"has_more"`
			Next    int64 `json:"next_cursor"`
			List    []struct {
				UserID string `json:"userid"`
			}
		}
		if err := s.ask(ctx, "/topapi/v2/user/list", map[string]any{"dept_id": dept, "cursor": cursor, "size": pageOf}, &page); err != nil {
			return err
		}
		for _, u := range page.List {
			s.people[u.UserID] = true
		}
		cursor, more = page.Next, page.HasMore
	}
	var below []struct {
		ID  int64  `json:"dept_id"`
		Key string `json:"source_identifier"`
	}
	if err := s.ask(ctx, "/topapi/v2/department/listsub", map[string]any{"dept_id": dept}, &below); err != nil {
		return err
	}
	for _, d := range below {
		s.deep = append(s.deep, d.ID)
		s.keys[d.ID], s.known[d.Key] = d.Key, d.ID
		if err := s.list(ctx, d.ID); err != nil {
			return err
		}
	}
	return nil
}

// departments creates or updates all, parents first.
func (s *script) departments(ctx context.Context, orgs []orgRow, _ []personRow) error {
	children := map[int64][]orgRow{}
	var next []orgRow
	for _, o := range orgs {
		if o.ParentID == 0 {
			s.loop.depts[o.OriginID] = 1
			next = append(next, o)
			continue
		}
		children[o.ParentID] = append(children[o.ParentID], o)
	}
	for len(next) > 0 {
		o := next[0]
		next = append(next[1:], children[o.OriginID]...)
		if o.ParentID == 0 { // cannot be changed (§ 10.1, 60018)
			continue
		}
		if err := s.department(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (s *script) department(ctx context.Context, o orgRow) error {
	id, there := s.known[sourceKey(o)]
	if !there {
		if err := s.token(ctx); err != nil {
			return err
		}
		return s.loop.createDepartment(ctx, o)
	}
	s.loop.depts[o.OriginID] = id
	body := s.loop.department(o)
	body["dept_id"] = id
	return s.ask(ctx, "/topapi/v2/department/update", body, nil)
}

// persons creates or updates all, in the order of the HCM, which has managers
// before those they manage.
func (s *script) persons(ctx context.Context, _ []orgRow, people []personRow) error {
	for _, p := range people {
		body, err := s.loop.person(p)
		if err != nil {
			return err
		}
		began, err := time.ParseInLocation(time.DateOnly, p.JobInfo.BeginDate, time.FixedZone("Asia/Shanghai", 8*3600))
		if err != nil {
			return fmt.Errorf("begin date of person %d: %w", p.ID, err)
		}
		body["hired_date"] = began.UnixMilli()
		if manager := s.numbers[p.ManagerID]; manager != "" {
			body["manager_userid"] = manager
		}
		path := "/topapi/v2/user/create"
		if s.people[p.Number] {
			path = "/topapi/v2/user/update"
			delete(body, "mobile") // cannot be changed (§ 4.7)
		}
		if err := s.ask(ctx, path, body, nil); err != nil {
			return err
		}
	}
	return nil
}

// managers sets the managers of departments, who are members now.
func (s *script) managers(ctx context.Context, orgs []orgRow, _ []personRow) error {
	for _, o := range orgs {
		if manager := s.numbers[o.ManagerID]; manager != "" && o.ParentID != 0 {
			body := map[string]any{"dept_id": s.loop.depts[o.OriginID], "dept_manager_userid_list": manager}
			if err := s.ask(ctx, "/topapi/v2/department/update", body, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// leftOver deletes whom the HCM does not have, then departments, the deepest
// first.
func (s *script) leftOver(ctx context.Context, orgs []orgRow, people []personRow) error {
	for _, p := range people {
		delete(s.people, p.Number)
	}
	for id := range s.people {
		if err := s.ask(ctx, "/topapi/v2/user/delete", map[string]any{"userid": id}, nil); err != nil {
			return err
		}
	}
	wanted := map[string]bool{}
	for _, o := range orgs {
		wanted[sourceKey(o)] = true
	}
	for _, id := range slices.Backward(s.deep) {
		if wanted[s.keys[id]] {
			continue
		}
		if err := s.ask(ctx, "/topapi/v2/department/delete", map[string]any{"dept_id": id}, nil); err != nil {
			return err
		}
	}
	return nil
}

// ask asks for a token, then makes one call and reads its result.
func (s *script) ask(ctx context.Context, path string, body map[string]any, result any) error {
	if err := s.token(ctx); err != nil {
		return err
	}
	raw, err := s.loop.call(ctx, path, body)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(raw, &struct{ Result any }{result})
}

func (s *script) token(ctx context.Context) error {
	raw, err := send(ctx, http.MethodGet, s.loop.sim+"/dingtalk/gettoken?appkey=dingsim-app&appsecret=dingsim-secret", "")
	answer, err := decode[struct {
		Token string `json:"access_token"`
	}](raw, err)
	if err == nil && strings.TrimSpace(answer.Token) == "" {
		err = fmt.Errorf("no token: %s", raw)
	}
	s.loop.token = answer.Token
	return err
}
