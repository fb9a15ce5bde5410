package activities_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/kingdee"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/internal/erp"
)

// kingdee is a client of a simulator with so many sales orders.
func (w *shop) kingdee(t testing.TB, n int) (connectors.ERP, *kdsim.Sim) {
	sim, err := salesOrders(n, w.at)
	w.must(err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return w.client(server.URL), sim
}

// salesOrders is a simulator with so many sales orders, spread over the 700
// days before.
func salesOrders(n int, before time.Time) (*kdsim.Sim, error) {
	sim := kdsim.New(kdsim.Options{})
	state := kdsim.Demo(before)
	generate := state.Forms["SAL_SaleOrder"].Generate
	generate.Count, generate.From = n, before.AddDate(0, 0, -700).Format(wall)
	return sim, sim.Put(state)
}

// client is a client of the simulator at the address.
func (w *shop) client(address string) connectors.ERP {
	client, err := kingdee.New(kingdee.Config{
		BaseURL: address + "/k3cloud/", AcctID: "kingdee-sim-account-set", Username: "orgflow", Password: "kingdee-sim-password",
	}, kingdee.Options{})
	w.must(err)
	return client
}

// fixed is a company whose ERP is the client.
type fixed struct{ client connectors.ERP }

func (f fixed) ERP(int64) (connectors.ERP, error) { return f.client, nil }

// loadFrom runs a load from a client.
func (w *shop) loadFrom(client connectors.ERP, kind orgflow.LoadKind) orgflow.ERPRun {
	w.t.Helper()
	l := w.worker(w.db)
	l.ERPs = fixed{client}
	id, err := w.start(l, kind, false)
	w.must(err)
	w.must(w.steps(context.Background(), l, id, kind))
	return w.finish(l, id, nil)
}

// losing is a client whose session is lost before its n-th page.
type losing struct {
	connectors.ERP
	sim   *kdsim.Sim
	pages int
}

func (l *losing) Rows(ctx context.Context, q connectors.ERPQuery) (connectors.ERPPage, error) {
	if q.Start > 0 {
		if l.pages++; l.pages == 2 {
			if err := l.sim.ExpireTokens(); err != nil {
				return connectors.ERPPage{}, err
			}
		}
	}
	return l.ERP.Rows(ctx, q)
}

// The seed's two calls for SAL_SaleOrder over the simulator, whose session is
// lost on the third page; between them bills are saved and one is deleted.
func TestSalesOrdersOfTheSimulator(t *testing.T) {
	eachShop(t, func(t *testing.T, w *shop) {
		w.at = time.Now()
		w.form = erp.Config{FormID: "SAL_SaleOrder", DateField: "FModifyDate", PageSize: 5, Entries: []erp.Entry{{ID: "FSaleOrderEntry"}}}
		client, sim := w.kingdee(t, 360)
		lost := &losing{ERP: client, sim: sim}
		if run := w.loadFrom(lost, orgflow.LoadCreate); run.Rows != 360 || run.Status != orgflow.StatusCompleted {
			t.Fatalf("%+v", run)
		}
		if lost.pages < 2 || sim.Logins() != 2 {
			t.Errorf("%d logins, %d pages", sim.Logins(), lost.pages)
		}
		orphans := w.query(`SELECT CAST(count(*) AS text) FROM "ERP_SAL_SaleOrder__FSaleOrderEntry" e WHERE NOT EXISTS (SELECT 1 FROM "ERP_SAL_SaleOrder" b WHERE b."FID" = e."FID")`)
		empty := w.query(`SELECT CAST(count(*) AS text) FROM "ERP_SAL_SaleOrder" WHERE "F_DEMO_Rate" IS NULL OR "FCustId_FName" IS NULL OR "FModifyDate" IS NULL`)
		if orphans[0] != "0" || empty[0] != "0" {
			t.Errorf("%s lines without a bill, %s bills without a value", orphans[0], empty[0])
		}

		w.exec(`ALTER TABLE "ERP_SAL_SaleOrder" ADD COLUMN remark text DEFAULT 'ours'`)
		now := time.Now().UTC().Add(8 * time.Hour)
		change, err := json.Marshal(map[string]any{
			"form_id": "SAL_SaleOrder", "delete": []string{"100359"},
			"upsert": []map[string]any{{"FID": 100360, "FBillNo": "XSDD-changed", "FModifyDate": now.Format("2006-01-02T15:04:05")}},
		})
		w.must(err)
		_, err = sim.Actions()["rows"](change)
		w.must(err)
		run := w.loadFrom(client, orgflow.LoadUpdate)
		got := w.query(`SELECT CAST("FID" AS text) || ' ' || remark || ' ' || CASE WHEN "FBillNo" = 'XSDD-changed' THEN 'changed' ELSE '' END || CASE WHEN orgflow_gone_at IS NULL THEN '' ELSE 'gone' END
			FROM "ERP_SAL_SaleOrder" WHERE "FID" >= 100359 ORDER BY "FID"`)
		if want := []string{"100359 ours gone", "100360 ours changed"}; run.Status != orgflow.StatusCompleted || !slices.Equal(got, want) {
			t.Errorf("got %v, %+v", got, run)
		}
	})
}
