package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"

	"orgflow/internal/testpg"
)

// load is what contract § 5 says of an ERP run, and of ours what tests look at.
type load struct {
	ID      string
	FormID  string `json:"form_id"`
	Kind    string
	Status  string
	Rows    int
	Windows struct{ Done, Total int }
	Error   *struct{ Code, Message string }
	New     []string `json:"new_columns"`
	Gone    int      `json:"marked_gone"`
}

// board calls a plain URL as boards do.
func (w *world) board(path string, form url.Values) (status int, answer struct {
	Code    json.RawMessage
	Message string
	Field   string
	Data    struct{ ID, URL string }
}) {
	w.t.Helper()
	status, body, err := call("GET", "http://"+w.http+path+"?"+form.Encode(), "")
	if err != nil || json.Unmarshal([]byte(body), &answer) != nil {
		w.t.Fatalf("%s answered %d %s %v", path, status, body, err)
	}
	return status, answer
}

// loaded loads a form as a board does and waits for the end.
func (w *world) loaded(path, form string) load {
	w.t.Helper()
	status, answer := w.board(path, url.Values{"formId": {form}})
	if status != 200 || string(answer.Code) != "0" || answer.Data.ID == "" {
		w.t.Fatalf("%s answered %d %+v", path, status, answer)
	}
	return w.awaitLoad(answer.Data.ID)
}

func (w *world) awaitLoad(id string) (l load) {
	w.t.Helper()
	eventually(w.t, time.Minute, 50*time.Millisecond, "the end of load "+id, func() error {
		must(w.t, "GET", "http://"+w.http+"/api/v1/erp-runs/"+id, "", &l)
		if l.Status == "running" {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
	return l
}

// bills gives the Kingdee simulator sales orders, and fields besides FID.
func (w *world) bills(fields []object, rows ...object) {
	w.t.Helper()
	must(w.t, "PUT", w.simURL("kingdee", "state"), encode(w.t, object{"forms": object{
		"SAL_SaleOrder": object{"name": "销售订单", "fields": fields, "rows": rows},
		"BD_Customer": object{"name": "客户", "key": "FCUSTID", "fields": []object{{"key": "FNumber"}, {"key": "FName"}},
			"rows": []object{{"FCUSTID": 7, "FNumber": "C007", "FName": "示例客户"}}},
	}}), nil)
}

var orderFields = []object{
	{"key": "FBillNo"}, {"key": "FCustId", "type": 56, "lookup": "BD_Customer"}, {"key": "FNote"}, {"key": "FRate", "type": 106}, {"key": "FUrgent", "type": 104},
	{"key": "FDocumentStatus", "type": 175}, {"key": "FModifyDate", "type": 61}, {"key": "FOld", "hidden": true},
}

// daysAgo is a moment on the ERP's clock.
func daysAgo(days int) string {
	return time.Now().In(time.FixedZone("UTC+8", 8*60*60)).AddDate(0, 0, -days).Format("2006-01-02 15:04:05")
}

func order(id, days int, note any, rate string) object {
	return object{"FID": id, "FBillNo": fmt.Sprintf("XSDD%06d", id), "FCustId": 7, "FNote": note, "FRate": json.Number(rate), "FUrgent": id%2 == 1,
		"FDocumentStatus": "C", "FModifyDate": daysAgo(days)}
}

// boardWorld is an installation whose local tables are looked at, and written
// to, as boards do it.
type boardWorld struct {
	*world
	db *sql.DB
}

// query asks the installation's database.
func (w *boardWorld) query(text string) []string {
	w.t.Helper()
	rows, err := w.db.Query(text)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		cells, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		texts := make([]string, len(cells))
		for i, c := range cells {
			switch c := c.(type) {
			case nil:
				texts[i] = "null"
			case []byte:
				texts[i] = string(c)
			default:
				texts[i] = fmt.Sprint(c)
			}
		}
		out = append(out, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// The seed's two calls, end to end: what a board starts is in the local table
// exactly, what people added to the table stays, and what was deleted in the
// ERP is marked.
func TestABoardLoadsSalesOrders(t *testing.T) {
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			w := &boardWorld{world: newWorld(t)}
			if db == "postgres" {
				w.env["ORGFLOW_DATABASE_URL"] = testpg.URL(t)
			}
			w.serve()
			w.db = w.opened(t)
			w.theSeedsTwoCalls()
			w.deepSweep()
			w.refusedLoads()
			w.oneLoadAtATime()
		})
	}
}

func (w *boardWorld) theSeedsTwoCalls() {
	w.t.Helper()
	w.bills(orderFields,
		order(1, 700, nil, "0.1000000000"), order(2, 20, "", "12345678901234.1234567891"), order(3, 10, "急", "-0.5"), order(4, 1, "x", "1"), order(5, 800, "three years ago", "1"))

	first := w.loaded("/dataSync/create", "SAL_SaleOrder")
	if first.Status != "completed" || first.Rows != 4 || first.Windows.Done != 24 || first.Windows.Total != 24 || first.Kind != "create" || first.FormID != "SAL_SaleOrder" {
		w.t.Fatalf("create: %+v %+v", first, first.Error)
	}
	got := w.query(`SELECT "FID", "FBillNo", "FCustId", "FCustId_FNumber", "FCustId_FName", "FNote", "FRate", CASE WHEN "FUrgent" THEN 1 ELSE 0 END FROM "ERP_SAL_SaleOrder" ORDER BY "FID"`)
	if diff := cmp.Diff([]string{
		"1|XSDD000001|7|C007|示例客户|null|0.1000000000|1",
		"2|XSDD000002|7|C007|示例客户||12345678901234.1234567891|0",
		"3|XSDD000003|7|C007|示例客户|急|-0.5000000000|1",
		"4|XSDD000004|7|C007|示例客户|x|1.0000000000|0",
	}, got); diff != "" {
		w.t.Errorf("after create: %s", diff)
	}

	w.query(`ALTER TABLE "ERP_SAL_SaleOrder" ADD COLUMN remark TEXT`)
	w.query(`UPDATE "ERP_SAL_SaleOrder" SET remark = 'ours'`)
	changed := order(3, 0, "不急", "2")
	changed["FNew"] = "n"
	w.bills(append(slices.Clone(orderFields), object{"key": "FNew"}), order(1, 700, "not within two months", "3"), order(2, 20, "", "12345678901234.1234567891"), changed, order(6, 0, "new", "1"))

	second := w.loaded("/dataSync/update", "SAL_SaleOrder")
	if second.Status != "completed" || second.Gone != 1 || !slices.Equal(second.New, []string{"FNew"}) || second.Windows.Done != second.Windows.Total {
		w.t.Fatalf("update: %+v %+v", second, second.Error)
	}
	got = w.query(`SELECT "FID", "FNote", remark, CASE WHEN "orgflow_gone_at" IS NULL THEN 0 ELSE 1 END FROM "ERP_SAL_SaleOrder" ORDER BY "FID"`)
	if diff := cmp.Diff([]string{"1|null|ours|0", "2||ours|0", "3|不急|ours|0", "4|x|ours|1", "6|new|null|0"}, got); diff != "" {
		w.t.Errorf("after update: %s", diff)
	}
	if diff := cmp.Diff([]string{"4"}, w.query(`SELECT count(*) FROM "ERP_SAL_SaleOrder" WHERE "orgflow_gone_at" IS NULL`)); diff != "" {
		w.t.Error(diff)
	}
}

// deepSweep notices a bill that is gone however old it is, started from the
// command line.
func (w *boardWorld) deepSweep() {
	w.t.Helper()
	w.bills(orderFields, order(2, 20, "", "1"), order(3, 0, "不急", "2"), order(6, 0, "new", "1"))
	got := w.starter("erp", "update", "--form", "SAL_SaleOrder", "--deep", "--wait", "--json")
	var l load
	if err := json.Unmarshal([]byte(got.out), &l); err != nil || got.code != 0 || l.Windows.Total != 24 || l.Gone != 1 {
		w.t.Errorf("deep update ended with %d: %v\n%s%s", got.code, err, got.out, got.err)
	}
	if got := w.query(`SELECT "FID" FROM "ERP_SAL_SaleOrder" WHERE "orgflow_gone_at" IS NOT NULL ORDER BY "FID"`); !slices.Equal(got, []string{"1", "4"}) {
		w.t.Errorf("gone are %v", got)
	}
}

func (w *boardWorld) refusedLoads() {
	w.t.Helper()
	for form, want := range map[string]string{
		`SAL_SaleOrder";DROP TABLE x;--`: "^[A-Za-z]", `SAL_SaleOrder" --`: "^[A-Za-z]", "../company": "^[A-Za-z]", "": "^[A-Za-z]", "SAL_SaleOder": `did you mean "SAL_SaleOrder"?`,
	} {
		for _, path := range []string{"/dataSync/create", "/dataSync/update"} {
			status, answer := w.board(path, url.Values{"formId": {form}})
			if status != 400 || answer.Field != "formId" || !strings.Contains(answer.Message, want) || !strings.Contains(answer.Message, `"SAL_SaleOrder"`) || strings.Contains(answer.Message, "DROP") {
				w.t.Errorf("%s of %q: %d %+v", path, form, status, answer)
			}
		}
	}
	status, body, err := call("GET", "http://"+w.http+"/api/v1/erp-runs/erp-129-SAL_SaleOrder~000000000000", "")
	if err != nil || status != 404 {
		w.t.Errorf("an id nobody knows: %d %s %v", status, body, err)
	}
}

// oneLoadAtATime: whatever starts the second one, it is told of the first;
// cancelled, a create leaves the table as it was.
func (w *boardWorld) oneLoadAtATime() {
	w.t.Helper()
	before := w.query(`SELECT * FROM "ERP_SAL_SaleOrder" ORDER BY "FID"`)
	must(w.t, "PUT", w.simURL("kingdee", "options"), `{"latency_ms": 2000}`, nil)
	var first struct{ ID string }
	must(w.t, "POST", "http://"+w.http+"/api/v1/erp-runs", `{"form_id": "SAL_SaleOrder", "kind": "create"}`, &first)
	status, answer := w.board("/dataSync/update", url.Values{"formId": {"SAL_SaleOrder"}})
	if status != 409 || !strings.Contains(answer.Message, first.ID) {
		w.t.Errorf("a board's second: %d %+v", status, answer)
	}
	if got := w.starter("erp", "create", "--form", "SAL_SaleOrder"); got.code != 1 || !strings.Contains(got.err, first.ID) {
		w.t.Errorf("a second from the command line: %d %s", got.code, got.err)
	}
	byHand, err := w.temporalClient().ExecuteWorkflow(w.t.Context(), client.StartWorkflowOptions{ID: "by-hand", TaskQueue: "orgflow"}, "DataSync",
		object{"form_id": "SAL_SaleOrder", "kind": "update"})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = byHand.Get(w.t.Context(), nil) // its record says how it ended
	var list struct{ Runs []load }
	must(w.t, "GET", "http://"+w.http+"/api/v1/erp-runs?form_id=SAL_SaleOrder&limit=1", "", &list)
	if l := list.Runs[0]; !strings.HasPrefix(l.ID, "by-hand~") || l.Status != "failed" || l.Error == nil || l.Error.Code != "target_busy" || !strings.Contains(l.Error.Message, first.ID) {
		w.t.Errorf("a second by hand is %+v", l)
	}
	must(w.t, "POST", "http://"+w.http+"/api/v1/erp-runs/"+first.ID+"/cancel", `{"by": "E1", "reason": "wrong form"}`, nil)
	if l := w.awaitLoad(first.ID); l.Status != "canceled" {
		w.t.Errorf("cancelled, it is %+v", l)
	}
	if diff := cmp.Diff(before, w.query(`SELECT * FROM "ERP_SAL_SaleOrder" ORDER BY "FID"`)); diff != "" {
		w.t.Errorf("a cancelled create changed the table: %s", diff)
	}
	must(w.t, "PUT", w.simURL("kingdee", "options"), `{"latency_ms": 0}`, nil)
	if l := w.loaded("/dataSync/update", "SAL_SaleOrder"); l.Status != "completed" {
		w.t.Errorf("the next one is %+v", l)
	}
}
