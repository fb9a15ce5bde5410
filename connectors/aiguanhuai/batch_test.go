package aiguanhuai_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
)

func TestBatchSizes(t *testing.T) {
	for n, calls := range map[int]int{0: 0, 1: 1, 1999: 1, 2000: 1, 2001: 2, 4000: 2} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			v := newVendor(t)
			batch := v.client().ApplyBatch(t.Context(), people(n))
			allDone(t, batch)
			if batch.Calls != calls || batch.Writes != calls || len(batch.Results) != n || v.active() != n {
				t.Errorf("%d results, %d calls, %d persons", len(batch.Results), batch.Calls, v.active())
			}
		})
	}
}

// A body never exceeds max_bytes, and a record that alone would is refused
// without a call.
func TestByteLimit(t *testing.T) {
	v := newVendor(t)
	const limit = 4096
	v.options(`{"max_bytes": 4096}`)
	c := v.client(func(cfg *aiguanhuai.Config) { cfg.MaxBytes = limit })
	effects := people(200)
	effects[7].Fields["position"] = strings.Repeat("长", limit/3)
	batch := c.ApplyBatch(t.Context(), effects)
	for i, r := range batch.Results {
		f := orgflow.AsFault(r.Err)
		if (f != nil) != (i == 7) || f != nil && f.Code != orgflow.CodeInvalidRecord {
			t.Errorf("effect %d: %v", i, r.Err)
		}
	}
	if refused := v.sim.Desk().Requests().Rejected; refused != 0 || batch.Calls < 5 || batch.Calls > 20 {
		t.Errorf("%d calls, %d refused", batch.Calls, refused)
	}
}

// A vendor whose limit is lower than ours is met halfway.
func TestATooLargeBodyIsHalved(t *testing.T) {
	v := newVendor(t)
	v.options(`{"max_bytes": 20000}`)
	batch := v.client().ApplyBatch(t.Context(), people(1000))
	allDone(t, batch)
	if v.active() != 1000 {
		t.Errorf("%d persons", v.active())
	}
}

// One bad record does not sink 1,999, wherever it stands, and finding it
// takes a search in halves.
func TestBisect(t *testing.T) {
	for name, bad := range map[string][]int{"first": {0}, "middle": {999}, "last": {1999}, "two": {3, 1200}, "neighbours": {1000, 1001}} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t)
			ids := make([]string, len(bad))
			for i, n := range bad {
				ids[i] = fmt.Sprintf("%q", fmt.Sprintf("E%d", n))
			}
			v.options(`{"refuse": [` + strings.Join(ids, ",") + `]}`)
			batch := v.client().ApplyBatch(t.Context(), people(2000))
			failed := 0
			for i, r := range batch.Results {
				if r.Err == nil {
					continue
				}
				failed++
				if f := orgflow.AsFault(r.Err); f.Code != orgflow.CodeInvalidRecord || f.VendorCode != "200008" || !contains(bad, i) {
					t.Errorf("effect %d: %v", i, r.Err)
				}
			}
			if failed != len(bad) || v.active() != 2000-len(bad) || batch.Calls > len(bad)*23+1 {
				t.Errorf("%d failed, %d active, %d calls", failed, v.active(), batch.Calls)
			}
		})
	}
}

func contains(list []int, n int) bool {
	for _, one := range list {
		if one == n {
			return true
		}
	}
	return false
}

// A fault that is not about the data is everybody's, and ends the batch:
// what was not sent is told from what may have arrived.
func TestFaultsOfAWholeBatch(t *testing.T) {
	for code, want := range map[string]struct{ sent, rest orgflow.Code }{
		`"errcode": 200003`:       {orgflow.CodeUnauthorized, orgflow.CodeUnauthorized},
		`"errcode": 200007`:       {orgflow.CodeUnavailable, orgflow.CodeUnavailable},
		`"http_status": 429`:      {orgflow.CodeThrottled, orgflow.CodeThrottled},
		`"after_commit": true`:    {orgflow.CodeUnknownOutcome, orgflow.CodeUnavailable},
		`"body": "<html></html>"`: {orgflow.CodeUnknownOutcome, orgflow.CodeUnavailable},
	} {
		t.Run(code, func(t *testing.T) {
			v := newVendor(t)
			v.fault(`{"path": "/v3/oms/update", "times": 1, ` + code + `}`)
			c := v.client(func(cfg *aiguanhuai.Config) { cfg.BatchSize = 2 })
			batch := c.ApplyBatch(t.Context(), people(5))
			for i, r := range batch.Results {
				wanted := want.rest
				if i < 2 {
					wanted = want.sent
				}
				if f := orgflow.AsFault(r.Err); f == nil || f.Code != wanted {
					t.Errorf("effect %d: %v, want %s", i, r.Err, wanted)
				}
			}
			if batch.Calls != 1 {
				t.Errorf("%d calls", batch.Calls)
			}
			allDone(t, c.ApplyBatch(t.Context(), people(5))) // repeating is harmless
			if v.active() != 5 {
				t.Errorf("%d active", v.active())
			}
		})
	}
}

// Between two calls the end of the context is honoured; a call that has
// begun is not cut off.
func TestCancelBetweenCalls(t *testing.T) {
	v := newVendor(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := v.client(func(cfg *aiguanhuai.Config) { cfg.BatchSize = 2 })
	cancel()
	batch := c.ApplyBatch(ctx, people(5))
	for i, r := range batch.Results {
		if f := orgflow.AsFault(r.Err); f == nil || f.Code != orgflow.CodeThrottled {
			t.Errorf("effect %d: %v", i, r.Err)
		}
	}
	if batch.Calls != 0 {
		t.Errorf("%d calls", batch.Calls)
	}
}

func TestABatchHasOneKind(t *testing.T) {
	v := newVendor(t)
	batch := v.client().ApplyBatch(t.Context(), []connectors.Effect{person(1), department("D1", "")})
	if batch.Results[0].Err != nil || orgflow.AsFault(batch.Results[1].Err).Code != orgflow.CodeInternal {
		t.Errorf("%+v", batch.Results)
	}
}

func TestPush(t *testing.T) {
	v := newVendor(t)
	c := v.client()
	allDone(t, c.ApplyBatch(t.Context(), people(10)))
	task, err := c.BeginPush(t.Context())
	if err != nil || task.ID == "" || task.Calls != 1 {
		t.Fatalf("%+v, %v", task, err)
	}
	allDone(t, c.AddToPush(t.Context(), task.ID, []connectors.Effect{department("D1", ""), department("D2", "D1")}))
	allDone(t, c.AddToPush(t.Context(), task.ID, people(7)))
	allDone(t, c.AddToPush(t.Context(), task.ID, people(7))) // once more: harmless
	if v.active() != 10 {
		t.Error("a task has an effect before it is completed")
	}
	if calls, err := c.CompletePush(t.Context(), task.ID); err != nil || calls != 1 {
		t.Fatal(calls, err)
	}
	if v.active() != 7 || v.person("E9").Status != 11 || len(v.state().Departments) != 2 {
		t.Errorf("%d active", v.active())
	}
	// A task that was completed, or has expired, is gone.
	if _, err := c.CompletePush(t.Context(), task.ID); !errors.Is(err, connectors.ErrTaskGone) {
		t.Errorf("%v", err)
	}
	batch := c.AddToPush(t.Context(), task.ID, people(1))
	if !errors.Is(batch.Results[0].Err, connectors.ErrTaskGone) {
		t.Errorf("%v", batch.Results[0].Err)
	}
}

// Every preset is understood by a vendor that checks it, and a wrong key is
// not.
func TestSignedCalls(t *testing.T) {
	for _, preset := range []string{
		"hmac_sha1_sorted_query", "hmac_sha256_sorted_query", "hmac_md5_sorted_query", "sha1_sorted_query_with_secret",
		"hmac_sha1_sorted_query_body", "hmac_sha256_sorted_query_body", "md5_sorted_query_with_secret", "hmac_sha1_partner_timestamp",
	} {
		t.Run(preset, func(t *testing.T) {
			v := newVendor(t)
			v.options(`{"signing": {"preset": "` + preset + `", "key": "k1", "timestamp_param": "timestamp", "nonce_param": "nonce"}}`)
			signed := func(key string) *aiguanhuai.Client {
				return v.client(func(cfg *aiguanhuai.Config) {
					cfg.Signing.Preset, cfg.Signing.Key, cfg.Signing.TimestampParam, cfg.Signing.NonceParam = preset, key, "timestamp", "nonce"
				})
			}
			c := signed("k1")
			allDone(t, c.ApplyBatch(t.Context(), people(3)))
			task, err := c.BeginPush(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			allDone(t, c.AddToPush(t.Context(), task.ID, people(2)))
			if _, err := c.CompletePush(t.Context(), task.ID); err != nil {
				t.Error(err)
			}
			_, err = signed("k2").Apply(t.Context(), person(1))
			if f := orgflow.AsFault(err); f == nil || f.VendorCode != "200003" || !f.StopsRun() {
				t.Errorf("a wrong key gives %v", err)
			}
		})
	}
}
