package activities

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func TestKilledWhileMessagesAreSent(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		begin := func(t *testing.T, r *reaper) *office {
			w := newOffice(t, c)
			w.fault(`[{"path": "` + map[string]string{"ding_talk": "/topapi/message/*", "we_com": "/cgi-bin/message/send"}[c.code] + `", "errcode": -1, "times": 1}]`)
			w.enqueue(w.write("E1", "RW1", "编号 1"), w.write("E1", "RW1", "编号 2"), w.write("E2", "RW1", "编号 1"), w.write("gone", "RW1", "编号 1"))
			w.staff(mortalOutbox{w.outbox, r}, mortalWire{r})
			return w
		}
		survives := func(t *testing.T, r *reaper) {
			w := begin(t, r)
			for range 60 {
				_, err := w.handle(orgflow.ActivitySendMessages)
				left := HandledMessages{Left: true, Wait: time.Minute}
				if err == nil {
					left, err = w.handle(orgflow.ActivityCheckMessages)
				}
				switch {
				case r.restart():
					w.staff(mortalOutbox{w.outbox, r}, mortalWire{r}) // another process, once leases are over
					left = HandledMessages{Left: true, Wait: leaseFor}
				case err != nil:
					t.Fatal(err)
				}
				if !left.Left {
					break
				}
				w.pass(max(left.Wait, left.Pause) + time.Second)
			}
			w.undoubted(c)
		}
		calm := &reaper{}
		survives(t, calm)
		calm.retire()
		eachDeath(t, deaths(inOrder(calm.seen), killEvery), survives)
	})
}

func (w *office) undoubted(c carrier) {
	w.t.Helper()
	var got []string
	for _, a := range c.wants(w.sim.State()) {
		switch {
		case a.Dropped == "":
			got = append(got, a.To+" "+a.Text[strings.LastIndex(a.Text, "编号"):])
		case a.Dropped != "143106" && a.Dropped != "repeated":
			w.t.Errorf("%s %s was dropped: %s", a.To, a.Title, a.Dropped)
		}
	}
	if d := cmp.Diff([]string{"E1 编号 1", "E1 编号 2", "E2 编号 1"}, inOrder(got)); d != "" {
		w.t.Errorf("people got: %s", d)
	}
	end := map[string]string{"ding_talk": "delivered", "we_com": "sent"}[c.code]
	for i, row := range w.rows() {
		want := fmt.Sprintf("%d %s: ", i+1, end)
		if i == 3 {
			want = "4 dead: not_found: "
		}
		if !strings.HasPrefix(row, want) {
			w.t.Errorf("%s; want %s", row, want)
		}
	}
}
