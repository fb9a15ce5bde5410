package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// loop is the script a good engineer writes in an afternoon: it reads the
// HCM, creates departments level by level, then people, then sets leaders.
// It keeps nothing, checks nothing twice and cannot be interrupted.
type loop struct {
	sim, token string
	parallel   int
	calls      atomic.Int64

	mu    sync.Mutex
	depts map[int64]int64 // source id → DingTalk id
}

type orgRow struct {
	ID        int64  `json:"id"`
	OriginID  int64  `json:"origin_id"`
	Name      string `json:"name"`
	ParentID  int64  `json:"parent_id"`
	Sort      int64  `json:"sort"`
	ManagerID int64  `json:"manager_id"`
}

type personRow struct {
	ID           int64  `json:"id"`
	Number       string `json:"number"`
	Name         string `json:"name"`
	Mobile       string `json:"mobile"`
	Email        string `json:"email"`
	IdentityCard string `json:"identity_card"`
	Department   struct {
		OriginID int64 `json:"origin_id"`
	} `json:"department"`
	Departments []struct {
		OriginID int64 `json:"origin_id"`
	} `json:"departments"`
	Position struct {
		Name string `json:"name"`
	} `json:"position"`
	JobInfo struct {
		BeginDate string `json:"begin_date"`
	} `json:"job_info"`
	ManagerID int64 `json:"manager_id"`
}

// plainLoop makes the calls of a first push and returns their number.
func plainLoop(ctx context.Context, sim string, parallel int) (int, error) {
	l := &loop{sim: sim, parallel: parallel, depts: map[int64]int64{}}
	orgs, err := readAll[orgRow](ctx, l, "Organization")
	if err != nil {
		return 0, err
	}
	people, err := readAll[personRow](ctx, l, "Employee")
	if err != nil {
		return 0, err
	}
	token, err := postJSON[struct{ AccessToken string }](ctx, sim+"/dingtalk/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`)
	if err != nil {
		return 0, err
	}
	l.calls.Add(1)
	l.token = token.AccessToken
	if err := l.createDepartments(ctx, orgs); err != nil {
		return 0, err
	}
	numbers := map[int64]string{}
	for _, p := range people {
		numbers[p.ID] = p.Number
	}
	if err := each(ctx, l.parallel, people, l.createPerson); err != nil {
		return 0, err
	}
	err = each(ctx, l.parallel, orgs, func(ctx context.Context, o orgRow) error {
		if o.ParentID == 0 || numbers[o.ManagerID] == "" {
			return nil
		}
		_, err := l.call(ctx, "/topapi/v2/department/update", map[string]any{"dept_id": l.depts[o.OriginID], "dept_manager_userid_list": numbers[o.ManagerID]})
		return err
	})
	return int(l.calls.Load()), err
}

func readAll[T any](ctx context.Context, l *loop, model string) ([]T, error) {
	var rows []T
	for page := 1; ; page++ {
		body := fmt.Sprintf(`{"model":%q,"page_index":%d,"page_size":500,"filter_dict":{},"extra_property":{"only_list":true}}`, model, page)
		answer, err := postJSON[struct {
			Result struct {
				List  []T
				Count int
			}
		}](ctx, l.sim+"/hcm/api/hcm.model.list", body)
		if err != nil {
			return nil, err
		}
		l.calls.Add(1)
		rows = append(rows, answer.Result.List...)
		if len(answer.Result.List) < 500 || len(rows) >= answer.Result.Count {
			return rows, nil
		}
	}
}

// createDepartments goes level by level, the departments of a level in
// parallel.
func (l *loop) createDepartments(ctx context.Context, orgs []orgRow) error {
	children := map[int64][]orgRow{}
	var level []orgRow
	for _, o := range orgs {
		if o.ParentID == 0 {
			l.depts[o.OriginID] = 1
			continue
		}
		children[o.ParentID] = append(children[o.ParentID], o)
	}
	for root := range l.depts {
		level = append(level, children[root]...)
	}
	for len(level) > 0 {
		if err := each(ctx, l.parallel, level, l.createDepartment); err != nil {
			return err
		}
		var next []orgRow
		for _, o := range level {
			next = append(next, children[o.OriginID]...)
		}
		level = next
	}
	return nil
}

func (l *loop) createDepartment(ctx context.Context, o orgRow) error {
	raw, err := l.call(ctx, "/topapi/v2/department/create", l.department(o))
	if err != nil {
		return err
	}
	var answer struct {
		Result struct {
			DeptID int64 `json:"dept_id"`
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depts[o.OriginID] = answer.Result.DeptID
	return nil
}

// department is the body that creates one (DingTalk reference § 4.2).
func (l *loop) department(o orgRow) map[string]any {
	body := map[string]any{"name": o.Name, "parent_id": l.dept(o.ParentID), "source_identifier": sourceKey(o)}
	if o.Sort > 0 {
		body["order"] = o.Sort
	}
	return body
}

func sourceKey(o orgRow) string { return "loop:" + strconv.FormatInt(o.OriginID, 10) }

func (l *loop) dept(source int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.depts[source]
}

func (l *loop) createPerson(ctx context.Context, p personRow) error {
	body, err := l.person(p)
	if err != nil {
		return err
	}
	_, err = l.call(ctx, "/topapi/v2/user/create", body)
	return err
}

// person is the body that creates one (§ 4.6).
func (l *loop) person(p personRow) (map[string]any, error) {
	var ids []string
	for _, d := range p.Departments {
		ids = append(ids, strconv.FormatInt(l.dept(d.OriginID), 10))
	}
	if len(ids) == 0 {
		ids = append(ids, strconv.FormatInt(l.dept(p.Department.OriginID), 10))
	}
	ext, err := json.Marshal(map[string]string{"测试自定义字段": p.IdentityCard})
	return map[string]any{
		"userid": p.Number, "name": p.Name, "mobile": p.Mobile, "email": p.Email, "job_number": p.Number,
		"title": p.Position.Name, "dept_id_list": strings.Join(ids, ","), "extension": string(ext),
	}, err
}

func (l *loop) call(ctx context.Context, path string, body map[string]any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	l.calls.Add(1)
	answer, err := send(ctx, http.MethodPost, l.sim+"/dingtalk"+path+"?access_token="+l.token, string(raw))
	if err != nil {
		return nil, err
	}
	var envelope struct {
		ErrCode int    `json:"errcode"`
		ErrMsg  string `json:"errmsg"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if envelope.ErrCode != 0 {
		return nil, fmt.Errorf("%s: %d %s", path, envelope.ErrCode, envelope.ErrMsg)
	}
	return answer, nil
}

// each runs f over all items, n at a time.
func each[T any](ctx context.Context, n int, items []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(n)
	for _, item := range items {
		group.Go(func() error { return f(ctx, item) })
	}
	return group.Wait()
}
