package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"
)

// loadStrand loads a form of the ERP that changes from turn to turn: anew in
// every fourth turn, else what is different.
type loadStrand struct {
	*premises
	bills map[int]bill // by FID: what the ERP has
	gone  map[int]bill // what it had since the table was made anew
	next  int
	last  string // id of the load of the last turn
}

// bill is a row. Rate is a decimal as the table shows it.
type bill struct {
	no, note, rate string
	at             time.Time // it was saved
}

const (
	stormForm  = "STORM_Order"
	stormBills = 300
)

func newLoadStrand(c *cluster) *loadStrand {
	s := &loadStrand{premises: newPremises(c, loadCompany, nil), bills: map[int]bill{}, gone: map[int]bill{}, next: 1}
	c.put(fmt.Sprintf("companies/%d/forms/%s.json", loadCompany, stormForm), encode(c.t, object{
		"form_id": stormForm, "date_field": "FModifyDate", "key": "FID", "fields": []string{"FBillNo", "FNote", "FRate"}, "page_size": 40,
	}))
	if err := s.kingdee.SetOptions([]byte(`{"latency_ms": 20}`)); err != nil {
		c.t.Fatal(err)
	}
	for i := range stormBills {
		s.save(0, i, time.Now().AddDate(0, 0, -1-i%50))
	}
	return s
}

func (s *loadStrand) name() string { return "load" }

// save makes a bill.
func (s *loadStrand) save(turn, i int, at time.Time) {
	s.bills[s.next] = bill{no: fmt.Sprintf("STORM%06d", s.next), note: fmt.Sprintf("%d/%d", turn, i), rate: fmt.Sprintf("%d.%04d", s.next, turn), at: at}
	s.next++
}

// happens is one turn's work at the ERP: bills are made, changed and deleted.
func (s *loadStrand) happens(n int) {
	ids, pick := slices.Sorted(maps.Keys(s.bills)), s.dice(n).IntN
	for i := range 15 {
		id := ids[pick(len(ids))]
		b := s.bills[id]
		b.note, b.rate, b.at = fmt.Sprintf("%d/changed", n), fmt.Sprintf("-0.%04d", n*100+i), time.Now()
		s.bills[id] = b
	}
	for range 3 {
		id := ids[pick(len(ids))]
		if b, there := s.bills[id]; there {
			s.gone[id] = b
			delete(s.bills, id)
		}
	}
	for i := range 10 {
		s.save(n, i, time.Now())
	}
}

// shown gives the ERP its bills.
func (s *loadStrand) shown() error {
	var rows []object
	for _, id := range slices.Sorted(maps.Keys(s.bills)) {
		b := s.bills[id]
		rows = append(rows, object{"FID": id, "FBillNo": b.no, "FNote": b.note, "FRate": json.Number(b.rate),
			"FModifyDate": b.at.In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01-02 15:04:05")})
	}
	return s.kingdee.PutState([]byte(encode(s.t, object{"forms": object{stormForm: object{"name": "订单", "rows": rows, "fields": []object{
		{"key": "FBillNo"}, {"key": "FNote"}, {"key": "FRate", "type": 106}, {"key": "FModifyDate", "type": 61},
	}}}})))
}

func (s *loadStrand) turn(ctx context.Context, n int) error {
	kind := "update"
	if n%4 == 0 {
		kind = "create"
	}
	if n > 0 {
		s.happens(n)
	}
	if kind == "create" {
		clear(s.gone)
	}
	if err := s.shown(); err != nil {
		return err
	}
	for {
		l, err := s.load(ctx, kind)
		if err != nil {
			return fmt.Errorf("turn %d: %w", n, err)
		}
		switch l.Status {
		case "completed":
			return nil
		case "failed":
			if l.Error == nil {
				return fmt.Errorf("turn %d: load %s failed without a word", n, l.ID)
			}
			s.met("a load failed: " + l.Error.Code)
		default:
			return fmt.Errorf("turn %d: load %s is %s", n, l.ID, l.Status)
		}
		if err := pause(ctx, 0); err != nil {
			return fmt.Errorf("turn %d: %w", n, err)
		}
	}
}

// load starts a load and waits for its end. Where the answer was lost the next
// request is refused because of the load that it started: then that one is
// waited for.
func (s *loadStrand) load(ctx context.Context, kind string) (l load, err error) {
	var started struct{ ID string }
	err = s.ask(ctx, "POST", "/api/v1/erp-runs", "", object{"company_id": s.company, "form_id": stormForm, "kind": kind}, &started)
	if no := (*turnedDown)(nil); errors.As(err, &no) && no.status == http.StatusConflict {
		s.met("the load of a lost answer")
		started.ID, err = s.newest(ctx)
	}
	if err != nil {
		return l, err
	}
	if started.ID == s.last {
		return l, fmt.Errorf("load %s was to have ended", started.ID)
	}
	s.last = started.ID
	err = s.ended(ctx, "/api/v1/erp-runs/"+started.ID, &l, func() string { return l.Status })
	return l, err
}

func (s *loadStrand) newest(ctx context.Context) (string, error) {
	var page struct{ Runs []load }
	if err := s.ask(ctx, "GET", fmt.Sprintf("/api/v1/erp-runs?company_id=%d&form_id=%s&limit=1", s.company, stormForm), "", nil, &page); err != nil {
		return "", err
	}
	if len(page.Runs) == 0 {
		return "", errors.New("a load is refused because of another one, and there is none")
	}
	return page.Runs[0].ID, nil
}

func (s *loadStrand) losses(ctx context.Context) []string {
	var want []string
	row := func(id int, b bill, gone bool) {
		want = append(want, fmt.Sprintf("%d %s %s %s gone %v", id, b.no, b.note, b.rate, gone))
	}
	for id, b := range s.bills {
		row(id, b, false)
	}
	for id, b := range s.gone {
		row(id, b, true)
	}
	got, err := s.list(ctx, fmt.Sprintf(`SELECT "FID" || ' ' || "FBillNo" || ' ' || "FNote" || ' ' || "FRate"::numeric(20, 4) || ' gone ' || CASE WHEN "orgflow_gone_at" IS NULL THEN 'false' ELSE 'true' END FROM %s`,
		strconv.Quote("ERP_"+stormForm)))
	if err != nil {
		return []string{err.Error()}
	}
	slices.Sort(want)
	slices.Sort(got)
	var out []string
	if d := cmp.Diff(want, got); d != "" {
		out = append(out, "the table is not what the ERP has (-ERP +table):\n"+d)
	}
	out = append(out, s.found(ctx, "has not ended", `SELECT id || ' ' || status FROM erp_run WHERE company_id = $1 AND (finished_at IS NULL OR status NOT IN ('completed', 'failed'))`, s.company)...)
	return append(out, s.found(ctx, "left behind", `SELECT tablename FROM pg_tables WHERE tablename = $1`, "ERP_"+stormForm+"__new")...)
}
