package temporalx

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// rotating are keys that change while they are used, with a clock of the test.
type rotating struct {
	*PayloadKeys
	fills []byte
	err   error
	at    time.Time
	logs  bytes.Buffer
}

func newRotating(t *testing.T, fills ...byte) *rotating {
	t.Helper()
	r := &rotating{fills: fills, at: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}
	var err error
	r.PayloadKeys, err = NewPayloadKeys(func() ([][]byte, error) {
		var keys [][]byte
		for _, fill := range r.fills {
			keys = append(keys, key(fill))
		}
		return keys, r.err
	}, slog.New(slog.NewTextHandler(&r.logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.clock = func() time.Time { return r.at }
	r.looked = r.at
	return r
}

func (r *rotating) encode(t *testing.T) *commonpb.Payload {
	t.Helper()
	p, err := r.DataConverter().ToPayload("hello")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rotating) reads(p *commonpb.Payload) error {
	var text string
	err := r.DataConverter().FromPayload(p, &text)
	if err == nil && text != "hello" {
		return errors.New("another text: " + text)
	}
	return err
}

// The procedure of the handbook, with two processes that get the keys one
// after the other: at every step both read what either writes.
func TestKeysAreRotatedWhileProcessesRun(t *testing.T) {
	a, b := newRotating(t, 1), newRotating(t, 1)
	var written []*commonpb.Payload
	for step, fills := range [][]byte{{1}, {1, 2}, {2, 1}} {
		for _, process := range []*rotating{a, b} {
			process.fills = fills
			process.at = process.at.Add(lookEvery)
			written = append(written, a.encode(t), b.encode(t))
			for i, p := range written {
				if err := errors.Join(a.reads(p), b.reads(p)); err != nil {
					t.Fatalf("step %d, payload %d: %v", step, i, err)
				}
			}
		}
	}
	if first, last := keyID(written[0]), keyID(written[len(written)-1]); first != keysOf(t, 1).IDs()[0] || last != keysOf(t, 2).IDs()[0] {
		t.Errorf("encrypted with %s at first and with %s at last", first, last)
	}

	a.fills, a.at = []byte{2}, a.at.Add(lookEvery)
	if err := a.reads(written[len(written)-1]); err != nil {
		t.Error(err)
	}
	if err := a.reads(written[0]); err == nil || !strings.Contains(err.Error(), keysOf(t, 1).IDs()[0]) {
		t.Errorf("the old key is retired: %v", err)
	}
}

// Another process may have been given a new key a moment earlier.
func TestAnUnknownKeyIsLookedForAtOnce(t *testing.T) {
	a, b := newRotating(t, 2, 1), newRotating(t, 1)
	sealed := a.encode(t)
	if err := b.reads(sealed); err == nil {
		t.Fatal("read without its key")
	}
	b.fills = []byte{1, 2}
	if err := b.reads(sealed); err != nil {
		t.Error(err)
	}
}

func TestKeysThatCannotBeReadStayAsTheyWere(t *testing.T) {
	r := newRotating(t, 1)
	before := r.encode(t)
	for _, broken := range []func(){
		func() { r.err = errors.New("refers to ${file:/x}, which is empty") },
		func() { r.err, r.fills = nil, nil },
	} {
		r.logs.Reset()
		broken()
		for range 3 {
			r.at = r.at.Add(lookEvery)
			if err := r.reads(before); err != nil || keyID(r.encode(t)) != keyID(before) {
				t.Errorf("the key is gone: %v", err)
			}
		}
		if n := strings.Count(r.logs.String(), "payload keys stay as they were"); n != 1 {
			t.Errorf("said %d times: %s", n, &r.logs)
		}
	}
	r.fills, r.at = []byte{2, 1}, r.at.Add(lookEvery)
	if keyID(r.encode(t)) == keyID(before) {
		t.Error("mended keys are not read")
	}
	if want := "payload keys changed\" with=" + keysOf(t, 2).IDs()[0]; !strings.Contains(r.logs.String(), want) {
		t.Errorf("whoever rotates keys cannot see it: %s", &r.logs)
	}
}

func TestWithoutKeysNothingIsEncrypted(t *testing.T) {
	none := newRotating(t)
	p := none.encode(t)
	if string(p.GetData()) != `"hello"` || none.reads(p) != nil {
		t.Errorf("%v", p)
	}
	var nobody *PayloadKeys
	if len(nobody.IDs()) != 0 {
		t.Error("nil has keys")
	}
	var text string
	if err := nobody.DataConverter().FromPayload(newRotating(t, 1).encode(t), &text); err == nil || !strings.Contains(err.Error(), "it is not set") {
		t.Errorf("an encrypted payload without any key: %v", err)
	}
}

// A schedule's memo cannot be written again, so it must outlive every key.
func TestClearTextIsReadableWithAnyKey(t *testing.T) {
	p, err := keysOf(t, 1).DataConverter().ToPayload(clearText("orgflow"))
	if err != nil {
		t.Fatal(err)
	}
	var owner string
	if err := keysOf(t, 2).DataConverter().FromPayload(p, &owner); err != nil || owner != "orgflow" {
		t.Errorf("%q, %v", owner, err)
	}
}

// Where a workflow lacks a key its task fails and is tried again; the workflow
// itself must not fail, and a signal must not be dropped.
func TestAWorkflowWaitsForTheKeyOfAPayload(t *testing.T) {
	waits := func(ctx workflow.Context) (string, error) {
		var text string
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, &text)
		return text, nil
	}
	reads := func(_ workflow.Context, text string) (string, error) { return text, nil }
	for name, run := range map[string]func(*testsuite.TestWorkflowEnvironment){
		"input": func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(reads, "hello")
		},
		"signal": func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() { env.SignalWorkflow("go", "hello") }, time.Second)
			env.ExecuteWorkflow(waits)
		},
	} {
		for _, fills := range [][]byte{{2, 1}, {2}} {
			env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
			env.SetDataConverter(apart{reads: keysOf(t, fills...).DataConverter(), DataConverter: keysOf(t, 1).DataConverter()})
			run(env)
			err := env.GetWorkflowError()
			if slices.Contains(fills, 1) {
				if err != nil {
					t.Errorf("%s with the key: %v", name, err)
				}
				continue
			}
			_, panicked := errors.AsType[*temporal.PanicError](err)
			if !panicked || !strings.Contains(err.Error(), keysOf(t, 1).IDs()[0]) {
				t.Errorf("%s without the key: %v", name, err)
			}
		}
	}
}

// apart writes as one process and reads as another.
type apart struct {
	converter.DataConverter
	reads converter.DataConverter
}

func (a apart) FromPayload(p *commonpb.Payload, into any) error { return a.reads.FromPayload(p, into) }

func (a apart) FromPayloads(p *commonpb.Payloads, into ...any) error {
	return a.reads.FromPayloads(p, into...)
}

func (a apart) WithWorkflowContext(ctx workflow.Context) converter.DataConverter {
	a.reads = a.reads.(dataConverter).WithWorkflowContext(ctx)
	return a
}

func (a apart) WithContext(context.Context) converter.DataConverter { return a }
