package meta_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/meta"
)

// employee is a row of the contract's shape; the person is invented.
const employee = `{"id": 1001, "number": "E1001", "name": "测试甲", "mobile": "10000000001", "email": "e1001@example.com", "gender": 1,
  "birthday": "1990-01-01", "identity_card": "TEST-ID-000001", "department": {"origin_id": 99, "name": "旧部门"},
  "departments": [{"origin_id": 11}, {"origin_id": 12}], "position": {"name": "工程师"},
  "job_info": {"position_status_id": 2, "on_job": 1, "begin_date": "2020-01-01"}, "manager_id": 1002}`

func previewOf(t *testing.T, req meta.PreviewRequest) meta.Preview {
	t.Helper()
	p, err := openWith(t, nil).Preview(req)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPreviewShowsARowsWay(t *testing.T) {
	p := previewOf(t, meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", CompanyID: 129, State: "abcd", Row: []byte(employee)})
	if p.SourceID != "1001" || p.Rejected || !p.Sendable || len(p.Issues) != 0 {
		t.Errorf("preview = %+v", p)
	}
	got := map[string]string{}
	for _, f := range p.Fields {
		for _, v := range f.Targets {
			raw, err := json.Marshal([]any{f.From, f.Source, f.Standard, v.Value})
			if err != nil {
				t.Fatal(err)
			}
			got[v.Name] = string(raw)
		}
	}
	want := map[string]string{
		"userid": `["number","E1001","E1001","E1001"]`, "job_number": `["number","E1001","E1001","E1001"]`, "name": `["name","测试甲","测试甲","测试甲"]`,
		"mobile": `["mobile","10000000001","10000000001","10000000001"]`, "email": `["email","e1001@example.com","e1001@example.com","e1001@example.com"]`,
		"title": `["position.name","工程师","工程师","工程师"]`, "hired_date": `["job_info.begin_date","2020-01-01","2020-01-01",1577808000000]`,
		"dept_id_list":   `["departments.*.origin_id",[11,12],["11","12"],"@org:11,@org:12"]`,
		"manager_userid": `["manager_id",1002,"1002","@person:1002"]`,
		"测试自定义字段":        `["identity_card","TE****01","TE****01","TE****01"]`, "工号": `["number","E1001","E1001","E1001"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPreviewMasksSensitiveValues(t *testing.T) {
	p := previewOf(t, meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", Row: []byte(employee)})
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw)+p.Text(), "ID-0000") {
		t.Error("the identity card is readable")
	}
}

// Masked in the template only: the source's value must not show either.
func TestPreviewMasksWhatOneEndCallsSensitive(t *testing.T) {
	s := openWith(t, map[string]string{"HcmDingSyncService.person_new.json": `{"fields": [{"key": "number", "map": "userid"}, {"key": "name", "map": "name"},
		{"key": "mobile", "map": "mobile", "sensitive": true}, {"key": "mobile", "map": "telephone"}, {"key": "org_ids", "map": "dept_id_list"}]}`})
	p, err := s.Preview(meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", Row: []byte(employee)})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.Text(), "10000000001") {
		t.Errorf("the mobile is readable:\n%s", p.Text())
	}
}

func TestPreviewOfARowThatIsSetAside(t *testing.T) {
	p := previewOf(t, meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", CompanyID: 129, Row: []byte(`{"id": 5, "number": "E5"}`)})
	if !p.Rejected || p.Sendable {
		t.Errorf("rejected %v, sendable %v", p.Rejected, p.Sendable)
	}
	if len(p.Issues) == 0 || p.Issues[0].Stage != "fetch" || p.Issues[0].Key != "name" || !p.Issues[0].Fatal {
		t.Errorf("issues = %+v", p.Issues)
	}
	if !strings.HasSuffix(p.Text(), "→ set aside at fetch\n") {
		t.Error(p.Text())
	}
}

func TestPreviewOfARecordThatIsNotSent(t *testing.T) {
	p := previewOf(t, meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", CompanyID: 129, Row: []byte(`{"id": 5, "number": "E5", "name": "测试乙"}`)})
	if p.Rejected || p.Sendable || !strings.HasSuffix(p.Text(), "→ would not be sent\n") {
		t.Errorf("rejected %v, sendable %v\n%s", p.Rejected, p.Sendable, p.Text())
	}
}

func TestPreviewRefusals(t *testing.T) {
	s := openWith(t, map[string]string{"BaseSyncEmmCloudService.person_new.json": "{}"})
	for name, c := range map[string]struct {
		req     meta.PreviewRequest
		pointer string
	}{
		"row":      {meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", Row: []byte(`[1]`)}, "/row"},
		"service":  {meta.PreviewRequest{Service: "person", Consumer: "ding_talk", Row: []byte(employee)}, "/services/0"},
		"consumer": {meta.PreviewRequest{Service: "person_new", Consumer: "ding", Row: []byte(employee)}, "/consumer"},
		"template": {meta.PreviewRequest{Service: "person_new", Consumer: "emm_cloud", Row: []byte(employee)}, "/services/0"},
		"state":    {meta.PreviewRequest{Service: "person_new", Consumer: "ding_talk", State: "../x", Row: []byte(employee)}, "/params/extra_property/state"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Preview(c.req)
			code, got := problems(t, err)
			if code != orgflow.CodeInvalidJob || len(got) != 1 || got[0].Pointer != c.pointer {
				t.Errorf("%s %v", code, got)
			}
		})
	}
}
