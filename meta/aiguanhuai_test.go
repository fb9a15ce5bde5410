package meta_test

import (
	"fmt"
	"strings"
	"testing"

	"orgflow"
	"orgflow/meta"
)

func serviceFor(t *testing.T, consumer, name string, files map[string]string) (meta.ResolvedService, error) {
	t.Helper()
	s := openWith(t, files)
	job := decode(t, s, strings.Replace(jobWith(`"`+name+`"`, ""), "ding_talk", consumer, 1))
	r, err := s.Resolve(job)
	if err != nil {
		return meta.ResolvedService{}, err
	}
	return r.Services[0], nil
}

// The inverse gender, the list of departments and the dates of eight digits
// are the template's business (爱关怀 reference § A.2).
func TestPersonForAiGuanHuai(t *testing.T) {
	svc, err := serviceFor(t, "ai_guan_huai", "person_new", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := payloadOf(t, svc, employee)
	want := map[string]string{
		"userId": "E1001", "account": "E1001", "realName": "测试甲", "mobile": "10000000001", "email": "e1001@example.com", "gender": "2", "status": "1",
		"birthday": "19900101", "joinDate": "20200101", "position": "工程师",
		"departmentId": fmt.Sprint([]any{orgflow.Ref(orgflow.Org, "11"), orgflow.Ref(orgflow.Org, "12")}),
	}
	for name, value := range want {
		if got := fmt.Sprint(p.Fields[name]); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	if len(p.Fields) != len(want) || len(p.Ext) != 0 {
		t.Errorf("fields = %v", p.Fields)
	}
	for source, wanted := range map[string]string{"0": "0", "1": "2", "2": "1", "null": "<nil>", "7": "<nil>"} {
		p := payloadOf(t, svc, `{"id": 1, "number": "E1", "name": "测试甲", "gender": `+source+`}`)
		if got := fmt.Sprint(p.Fields["gender"]); got != wanted {
			t.Errorf("gender %s is sent as %s, want %s", source, got, wanted)
		}
	}
}

func TestDepartmentForAiGuanHuai(t *testing.T) {
	svc, err := serviceFor(t, "ai_guan_huai", "org_new", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := payloadOf(t, svc, `{"id": 11, "origin_id": 11, "name": "研发部", "parent_id": 1}`)
	if got := fmt.Sprintln(p.Fields["departmentId"], p.Fields["departmentName"], p.Fields["status"], p.Fields["parentId"]); got != "11 研发部 1 "+orgflow.Ref(orgflow.Org, "1")+"\n" {
		t.Error(got)
	}
}

// An absent status means "left" to the vendor: a template without one is a
// configuration error, found before a run starts.
func TestATemplateWithoutStatusIsRefused(t *testing.T) {
	s := openWith(t, map[string]string{"companies/129/HcmAiGuanHuaiSyncService.person_new.json": `{"fields": [
		{"key": "number", "map": "userId"}, {"key": "number", "map": "account"}, {"key": "name", "map": "realName"}]}`})
	_, err := s.DecodeJob([]byte(`{"services": ["person_new"], "consumer": "ai_guan_huai", "company_id": 129}`))
	f := orgflow.AsFault(err)
	if f == nil || f.Code != orgflow.CodeInvalidConfig || !strings.Contains(f.Message, `no entry fills "status"`) {
		t.Errorf("%v", err)
	}
}
