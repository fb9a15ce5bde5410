package dingtalk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// An answer that does not show what it is an answer to is malformed: it is
// neither an empty list, nor nobody, nor a success.
func TestHollowAnswersOfV1(t *testing.T) {
	for path, answers := range map[string][]string{
		"/department/list":     {okV1, `{"errcode":0,"department":null}`, `{"errcode":0,"department":{}}`, `{"errcode":0,"department":[{"name":"x"}]}`, `{"errcode":0,"department":[7]}`},
		"/department/list_ids": {okV1, `{"errcode":0,"sub_dept_id_list":{"a":1}}`},
		"/department/get":      {okV1, `{"errcode":0,"id":8}`},
		"/user/listbypage":     {okV1, `{"errcode":0,"userlist":{}}`, `{"errcode":0,"userlist":[],"hasMore":true}`, `{"errcode":0,"userlist":[],"hasMore":"x"}`, `{"errcode":0,"userlist":[` + strings.Repeat(`{"userid":"u"},`, 99) + `{"userid":"u"}]}`},
		"/user/get_by_mobile":  {okV1, `{"errcode":0,"userid":null}`},
		"/user/create":         {okV1, `{"errcode":0,"userid":""}`, `<html>`, `{"errcode":0`, `[]`, ``},
		"/department/create":   {okV1, `{"errcode":0,"id":0}`, `{"errcode":0,"id":"x"}`},
	} {
		for _, answer := range answers {
			all := map[string]string{"/department/get": sampleDeptV1, "/department/list_ids": `{"errcode":0,"sub_dept_id_list":[]}`}
			all[path] = answer
			c, _ := vendorV1(t, all)
			var err error
			write := false
			switch path {
			case "/department/list":
				_, err = c.Departments(t.Context(), 1)
			case "/department/list_ids", "/department/get":
				_, err = c.ReadOrg(t.Context(), "37489345")
			case "/user/listbypage":
				_, err = c.ReadMembers(t.Context(), "2", "")
			case "/user/get_by_mobile":
				_, err = c.userByMobile(t.Context(), new(connectors.Receipt), map[string]any{"mobile": "10000000001"})
			case "/user/create":
				e := personInsert()
				e.ConsumerID = ""
				delete(e.Fields, "userid")
				_, err = c.Apply(t.Context(), e)
				write = true
			default:
				_, err = c.Apply(t.Context(), orgInsert())
				write = true
			}
			want := orgflow.CodeUnavailable
			if write {
				want = orgflow.CodeUnknownOutcome
			}
			if answer == "<html>" {
				want = orgflow.CodeThrottled
			}
			if f := orgflow.AsFault(err); f == nil || f.Code != want {
				t.Errorf("%s %s: %v, want %s", path, answer, err, want)
			}
		}
	}
}

func TestMapTexts(t *testing.T) {
	for in, want := range map[string]string{
		`"{1:10,2:20}"`:            `1=10 2=20 `,
		`"{ 1 : 10 , \"2\" : 20}"`: `1=10 2=20 `,
		`"{1:false}"`:              `1=false `,
		`"{1:\"a,b:}\"}"`:          `1="a,b:}" `,
		`{"1":10}`:                 `1=10 `,
		`"{}"`:                     ``,
		`""`:                       ``,
		`null`:                     ``,
	} {
		pairs, err := parsePairs(json.RawMessage(in))
		var got strings.Builder
		for _, p := range pairs {
			fmt.Fprintf(&got, "%d=%s ", p.dept, p.value)
		}
		if err != nil || got.String() != want {
			t.Errorf("%s: %q, %v, want %q", in, got.String(), err, want)
		}
	}
	for _, in := range []string{`"{1:10"`, `"1:10}"`, `"{1}"`, `"{x:1}"`, `"{1:}"`, `"{1:10,}"`, `"{1:{}}"`, `"{1:10 2:20}"`, `7`, `[]`} {
		if pairs, err := parsePairs(json.RawMessage(in)); err == nil {
			t.Errorf("%s: %v", in, pairs)
		}
	}
}

func FuzzAnswersOfV1(f *testing.F) {
	for _, s := range []string{sampleDeptV1, sampleUserV1, okV1, `{"errcode":0,"department":[{"id":1}]}`, `{"errcode":0,"userlist":[{"userid":"u","orderInDepts":"{1:"}],"hasMore":1}`, `{"errcode":"0","sub_dept_id_list":[1]}`, `{"errcode":60121}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := decodeAnswer(http.StatusOK, body, false)
		if a.code != "" {
			return
		}
		for path, call := range callsV1 {
			words, err := call.speak(request{path: path})
			if err != nil {
				t.Fatal(err)
			}
			if call.answer == nil {
				continue
			}
			result, err := words.result(&a)
			if err != nil {
				continue
			}
			if !json.Valid(result) {
				t.Fatalf("%s: %s", call.path, result)
			}
			var top record
			if json.Unmarshal(a.body, &top) != nil || len(top[call.needs]) == 0 {
				t.Fatalf("%s: success without %s", call.path, call.needs)
			}
		}
	})
}

func FuzzMapTexts(f *testing.F) {
	for _, s := range []string{`"{1:10,2:20}"`, `"{1:false}"`, `{"1":"a"}`, `"{1:"`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		pairs, err := parsePairs(raw)
		if err != nil {
			return
		}
		rows := make([]map[string]any, len(pairs))
		for i, p := range pairs {
			rows[i] = map[string]any{"dept_id": p.dept, "title": p.value}
		}
		written, err := formTitles.mapText(rows)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parsePairs(encodeTest(written))
		if err != nil || len(again) != len(pairs) {
			t.Fatalf("%q became %q: %v", raw, written, err)
		}
	})
}
