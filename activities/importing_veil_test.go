package activities

import (
	"fmt"
	"strings"
	"testing"

	"orgflow"
)

// What WeCom says of a line may repeat what stands in it. It is stored and
// shown without the person.
func TestALineOfAnImportTellsNobodysNumber(t *testing.T) {
	w := newWeCom(t).importing(50)
	w.source.hold(team(60))
	const name, mobile = "员工1006", "10000001006"
	result := raw(map[string]any{
		"errcode": 0, "status": 3, "type": "sync_user", "total": 1, "percentage": 100,
		"result": []any{map[string]any{"userid": "E1006", "errcode": 99999, "errmsg": "invalid line: " + name + "," + mobile + ", hint 42"}},
	})
	w.fault(string(raw(map[string]any{"path": "/cgi-bin/batch/getresult", "body": string(result)})))
	s := w.syncOnce(w.job(""))
	c := w.changes(s.ID)["person:1006"]
	if c.State != orgflow.Failed || c.Error == nil || c.Error.VendorCode != "99999" {
		t.Fatalf("%+v", c)
	}
	target := orgflow.Target{CompanyID: company, Consumer: "we_com"}
	log, _, err := w.db.RecordLog(t.Context(), target, c.Key(), "", 10)
	if err != nil || len(log) != 1 {
		t.Fatalf("%d entries, %v", len(log), err)
	}
	for where, said := range map[string]string{"the change": c.Error.Message, "the log": log[0].Message, "the summary": fmt.Sprintf("%+v", s)} {
		if strings.Contains(said, mobile) || strings.Contains(said, name) {
			t.Errorf("%s says %q", where, said)
		}
	}
	if !strings.Contains(c.Error.Message, "hint 42") {
		t.Errorf("the vendor's own words are lost: %q", c.Error.Message)
	}
}
