package dingtalk

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func TestDepartments(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathDeptListSub, `{"errcode":"0","errmsg":"ok","result":[{"auto_add_user":"true","create_dept_group":"true","dept_id":"37489345","name":"市场部","parent_id":"1","source_identifier":"k"}],"request_id":"r"}`)
		got, err := s.client().Departments(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Department{{ID: 37489345, ParentID: 1, Name: "市场部", SourceID: "k"}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestGetDepartment(t *testing.T) {
	s := newStub(t, "v2").on(pathDeptGet, `{"errcode":0,"result":{"dept_id":7,"name":"A","order":3,"code":"C","dept_manager_userid_list":["u1","u2"],"member_count":9,"owning_member_count":4}}`, failure("60003"))
	c := s.client()
	got, err := c.GetDepartment(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Department{ID: 7, Name: "A", Order: 3, Code: "C", Managers: []string{"u1", "u2"}, Members: 9, Direct: 4}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := c.GetDepartment(t.Context(), 7); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Code != orgflow.CodeNotFound {
		t.Errorf("got %v, want not_found", err)
	}
}

func TestGetUser(t *testing.T) {
	s := newStub(t, "v2").on(pathUserGet, `{"errcode":0,"result":{"userid":"u1","unionid":"n","name":"测试甲","dept_id_list":[2,"3"],"leader_in_dept":[{"dept_id":2,"leader":"false"},{"dept_id":3,"leader":true}],"active":"true","senior":false,"hired_date":"1577808000000"}}`)
	got, err := s.client().GetUser(t.Context(), "u1")
	if err != nil {
		t.Fatal(err)
	}
	want := User{UserID: "u1", UnionID: "n", Name: "测试甲", Departments: []int64{2, 3}, Leader: true, Active: true, HiredDate: 1577808000000}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestListUsersPages(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathUserList,
			`{"errcode":"0","result":{"has_more":"true","next_cursor":"100","list":[{"userid":"u1","name":"测试甲","dept_order":176362815343598500,"leader":"true","dept_id_list":[1]}]}}`,
			`{"errcode":0,"result":{"has_more":false,"list":[]}}`,
			`{"errcode":0,"result":{"has_more":true,"list":[]}}`)
		c := s.client()
		first, err := c.ListUsers(t.Context(), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := UserPage{More: true, Next: 100, Users: []User{{UserID: "u1", Name: "测试甲", Order: 176362815343598500, Leader: true, Departments: []int64{1}}}}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]any{"dept_id": 1.0, "cursor": 0.0, "size": 100.0}, s.calls(pathUserList)[0].body); diff != "" {
			t.Error(diff)
		}
		if last, err := c.ListUsers(t.Context(), 1, 100); err != nil || last.More {
			t.Errorf("last page %+v, %v", last, err)
		}
		if _, err := c.ListUsers(t.Context(), 1, 100); orgflow.AsFault(err) == nil {
			t.Error("more without a cursor must not look like the end")
		}
	})
}
