package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/meta"
)

// jobPage is a form that a job is put together in.
type jobPage struct {
	Ready    []readyJob
	Targets  []string // "129/ding_talk"
	Services []meta.Service
	Modes    []orgflow.Mode
	Job      string // as text
	Problem  *api.Error
}

// A readyJob is one that a company's schedule runs.
type readyJob struct {
	Key         string // "129/nightly-persons"
	Description string
	Target      string
	Services    []string
	Text        string
}

var modes = []orgflow.Mode{orgflow.Incremental, orgflow.Full, orgflow.Reconcile}

// jobPage gathers what a job can be made of.
func (c *Console) jobPage() jobPage {
	p := jobPage{Modes: modes}
	for _, id := range c.Files.Companies() {
		company, err := c.Files.Company(id)
		if err != nil {
			continue // the file is broken: /meta shows how
		}
		for _, consumer := range company.Consumers() {
			p.Targets = append(p.Targets, orgflow.Target{CompanyID: id, Consumer: consumer}.String())
		}
		schedules, _ := c.Files.Schedules(id) // broken ones show on /meta
		for _, s := range schedules {
			if s.Workflow != orgflow.WorkflowSyncRun {
				continue
			}
			p.Ready = append(p.Ready, readyJob{
				Key: strconv.FormatInt(id, 10) + "/" + s.ID, Description: s.Description, Target: s.Job.Target().String(),
				Services: s.Job.Services, Text: pretty(s.RawJob),
			})
		}
	}
	services := c.Files.Services()
	for _, name := range slices.Sorted(maps.Keys(services)) {
		p.Services = append(p.Services, services[name])
	}
	return p
}

func (c *Console) startPage(*http.Request) (content, error) {
	return content{template: "sync-new", title: "run.new", section: "sync", data: c.jobPage()}, nil
}

// startRun starts a run, as POST /api/v1/sync-runs does. A job that cannot be
// started is shown again with what is wrong.
func (c *Console) startRun(r *http.Request) (content, string, error) {
	page := c.jobPage()
	raw, err := page.chosen(r)
	var job orgflow.Job
	if err == nil {
		page.Job = string(raw)
		job, err = c.Files.DecodeJob(raw)
	}
	var started api.Started
	if err == nil {
		started, err = c.start(r, job, raw)
	}
	if refused(err) {
		page.Problem = api.Answer(r.Context(), err)
		return content{template: "sync-new", title: "run.new", section: "sync", data: page}, "", nil
	}
	if err == nil {
		c.did(r, "start", started.ID)
	}
	next, err := begun(started, err)
	return content{}, next, err
}

// refused tells whether an error says what is wrong with a job.
func refused(err error) bool {
	if err == nil {
		return false
	}
	var invalid *orgflow.InvalidError
	var own *api.Error
	f := orgflow.AsFault(err)
	return errors.As(err, &invalid) || errors.As(err, &own) || f.Code == orgflow.CodeInvalidJob || f.Code == orgflow.CodeInvalidConfig || f.Code == orgflow.CodeInvalidRecord
}

// start starts a run once for a form, however often it is sent.
func (c *Console) start(r *http.Request, job orgflow.Job, raw json.RawMessage) (api.Started, error) {
	opts, err := c.startOptions(r, api.RunID(job, time.Now()), raw)
	if err != nil {
		return api.Started{}, err
	}
	return c.Start.Start(r.Context(), job, raw, opts)
}

// startOptions say how something is started under a new id, or under the one
// that the form got when it was sent first.
func (c *Console) startOptions(r *http.Request, id string, raw []byte) (api.StartOptions, error) {
	s := c.steering(r)
	opts := api.StartOptions{WorkflowID: id, By: s.By}
	if s.Once == "" {
		return opts, nil
	}
	sum := sha256.Sum256([]byte(s.Key + "\x00" + s.Once + "\x00" + string(raw)))
	opts.IdempotencyKey = "console:" + hex.EncodeToString(sum[:])
	var err error
	if opts.WorkflowID, _, err = c.Once.Remember(r.Context(), opts.IdempotencyKey, id); err != nil {
		return opts, fmt.Errorf("remember the form: %w", err)
	}
	return opts, nil
}

// chosen is the job that a form asks for: one written as text, a ready one,
// or one put together.
func (p *jobPage) chosen(r *http.Request) (json.RawMessage, error) {
	var raw json.RawMessage
	switch {
	case r.PostFormValue("ready") != "":
		at := slices.IndexFunc(p.Ready, func(j readyJob) bool { return j.Key == r.PostFormValue("ready") })
		if at < 0 {
			return nil, orgflow.Faultf(orgflow.CodeInvalidJob, "there is no job %q any more; load the page again", r.PostFormValue("ready"))
		}
		raw = json.RawMessage(p.Ready[at].Text)
	case strings.TrimSpace(r.PostFormValue("job")) != "":
		raw = json.RawMessage(r.PostFormValue("job"))
	default:
		var err error
		if raw, err = composed(r); err != nil {
			return nil, err
		}
	}
	if r.PostFormValue("dry") == "" {
		return raw, nil
	}
	return dry(raw), nil
}

// composed is the job of the form's fields.
func composed(r *http.Request) (json.RawMessage, error) {
	number, consumer, _ := strings.Cut(r.PostFormValue("target"), "/")
	company, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, &orgflow.Fault{Code: orgflow.CodeInvalidJob, Field: "target", Message: "choose where to"}
	}
	services := append([]string{}, r.PostForm["services"]...)
	params := map[string]any{}
	if mode := r.PostFormValue("mode"); mode != "" {
		params["mode"] = mode
	}
	raw, err := json.MarshalIndent(struct {
		Services  []string       `json:"services"`
		Consumer  string         `json:"consumer"`
		CompanyID int64          `json:"company_id"`
		Params    map[string]any `json:"params"`
	}{services, consumer, company, params}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode job: %w", err)
	}
	return raw, nil
}

// dry returns a job with dry_run. What is no job stays as it is: its
// problems are found by who decodes it.
func dry(raw json.RawMessage) json.RawMessage {
	var job struct {
		Services  json.RawMessage            `json:"services,omitempty"`
		Consumer  json.RawMessage            `json:"consumer,omitempty"`
		CompanyID json.RawMessage            `json:"company_id,omitempty"`
		Params    map[string]json.RawMessage `json:"params"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&job); err != nil {
		return raw
	}
	if job.Params == nil {
		job.Params = map[string]json.RawMessage{}
	}
	job.Params["dry_run"] = json.RawMessage("true")
	out, err := json.MarshalIndent(job, "", "  ")
	if err != nil {
		return raw
	}
	return out
}
