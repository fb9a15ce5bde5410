package aiguanhuai_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
	"orgflow/connectors/conformance"
)

// wired is a client on a wire without a network.
func wired(t testing.TB, wire http.RoundTripper) *aiguanhuai.Client {
	t.Helper()
	c, err := aiguanhuai.New(aiguanhuai.Config{BaseURL: "http://agh.invalid", CorpID: "c", QPS: new(float64(0))}, aiguanhuai.Options{Transport: wire})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is asked of the vendor, by call. Each returns what a success says.
var calls = map[string]func(ctx context.Context, c *aiguanhuai.Client) (any, error){
	"prepare": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		task, err := c.BeginPush(ctx)
		return task.ID, err
	},
	"add": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		return nil, of(c.AddToPush(ctx, "xxxx", people(1)))
	},
	"complete": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		_, err := c.CompletePush(ctx, "xxxx")
		return nil, err
	},
	"update": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		r, err := c.Apply(ctx, person(1))
		return r.ConsumerID, err
	},
	"update of many": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		return nil, of(c.ApplyBatch(ctx, people(3)))
	},
	"disable": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		e := person(1)
		e.Op, e.ConsumerID = orgflow.Delete, "E1"
		_, err := c.Apply(ctx, e)
		return nil, err
	},
	"update of a department": func(ctx context.Context, c *aiguanhuai.Client) (any, error) {
		_, err := c.Apply(ctx, department("D1", ""))
		return nil, err
	},
}

// of is the worst outcome in a batch; all must have one.
func of(b connectors.Batch) error {
	errs := make([]error, 0, len(b.Results))
	for _, r := range b.Results {
		if r.Err == nil && r.Receipt.ConsumerID == "" {
			return errors.New("an effect without outcome")
		}
		errs = append(errs, r.Err)
	}
	for _, err := range errs {
		if err == nil {
			return nil // the judge looks whether any may be a success
		}
	}
	return errs[0]
}

var codes = map[string]orgflow.Code{
	"200003": orgflow.CodeUnauthorized, "200004": orgflow.CodeUnauthorized, "200005": orgflow.CodeUnauthorized, "200006": orgflow.CodeNotFound,
	"200007": orgflow.CodeUnavailable, "200008": orgflow.CodeInvalidRecord, "200009": orgflow.CodeInvalidRecord,
}

// Every answer that the reference shows is decoded by the method that makes
// the call.
func TestTheSamplesOfTheReference(t *testing.T) {
	vendor := guanHuai(t)
	for _, s := range vendor.Samples {
		t.Run(s.Name, func(t *testing.T) {
			call, _, _ := strings.Cut(s.Name, ",")
			wire := &conformance.Wire{Samples: vendor.Good(), Broken: s.Path, Given: conformance.Answer{Status: s.Status, Body: s.Body()}}
			got, err := calls[call](t.Context(), wired(t, wire))
			if !s.Wrong {
				if want := map[string]any{"prepare": "xxxx", "update": "E1"}[call]; err != nil || got != want {
					t.Errorf("%v, %v, want %v", got, err, want)
				}
				return
			}
			f := orgflow.AsFault(err)
			if f == nil || f.Code == "" || f.Code != codes[f.VendorCode] || !strings.Contains(string(s.Body()), f.VendorCode) || !strings.Contains(string(s.Body()), f.Message) {
				t.Errorf("%+v", f)
			}
			if errors.Is(err, connectors.ErrTaskGone) != (f.VendorCode == "200006") {
				t.Errorf("whether the task is gone: %v", err)
			}
		})
	}
}

// ok: the number 0 under a status of success, and nothing else (reference
// § A.3 no. 13). It is told by its exact name.
func ok(a conformance.Answer) bool {
	return a.Status >= 200 && a.Status < 300 && zero(conformance.Trim(a.Body))
}

func guanHuai(t testing.TB) conformance.Vendor[*aiguanhuai.Client] {
	t.Helper()
	v := conformance.Vendor[*aiguanhuai.Client]{Name: "爱关怀", Samples: conformance.Samples(t, "testdata/samples.json"), Connect: wired}
	paths := map[string]string{"prepare": "add-prepare", "add": "add", "complete": "add-complete"}
	for _, name := range []string{"prepare", "add", "complete", "update", "update of many", "disable", "update of a department"} {
		path, special := paths[name]
		if !special {
			path = "update"
		}
		k := conformance.Asking[*aiguanhuai.Client]{Name: name, Path: "/v3/oms/" + path, Write: name != "prepare", Do: calls[name], May: ok}
		if name == "prepare" {
			k.Shows = func(got any, _ conformance.Answer) bool { return got != "" }
		}
		v.Askings = append(v.Askings, k)
	}
	return v
}

// Whatever the answer to one call is.
func FuzzAnswers(f *testing.F) { conformance.FuzzAnswers(f, guanHuai(f)) }

func TestBrokenAnswers(t *testing.T) { conformance.TestBrokenAnswers(t, guanHuai(t)) }

func TestLongAnswers(t *testing.T) {
	conformance.TestLongAnswers(t, `{"errno":0,"error":"`, []string{"prepare", "update"}, guanHuai(t))
}

// Whatever an answer repeats of what was sent, no error shows it.
func FuzzEchoes(f *testing.F) { conformance.FuzzEchoes(f, guanHuai(f)) }
