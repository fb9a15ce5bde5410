package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	hcmsim "orgflow/connectors/hcm/sim"
	kdsim "orgflow/connectors/kingdee/sim"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/cli"
	"orgflow/internal/telemetry"
)

// demoJob is the sync of the demo company 129.
const demoJob = `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": 129, "params": {}}`

const (
	demoCompany = 129
	demoFlow    = "purchase01"
	// lookEvery is how often the demo's progress is looked at.
	lookEvery = 200 * time.Millisecond
	// sayEvery is how often it is printed where no terminal can be redrawn.
	sayEvery = 5 * time.Second
)

// demo loads the demo company, runs its sync, prints the summary and says
// where to look. A run that an earlier process began is waited for instead.
func (p parts) demo(ctx context.Context, opts options) (completed bool, err error) {
	if !opts.demo {
		p.addresses(ctx)
		return false, nil
	}
	if err := p.loadDemo(); err != nil {
		return false, err
	}
	p.publishDemoFlow(ctx)
	id, err := p.startOrResume(ctx)
	if err != nil {
		return false, err
	}
	summary, err := p.watch(ctx, id)
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintf(p.out, "\nStopping. Run %s goes on when standalone is started again.\n", id)
		}
		return false, interrupted(ctx, err)
	}
	width, color := 100, telemetry.IsTerminal(p.out)
	_ = cli.RenderSummary(p.out, summary, width, color) // nobody may be reading
	if !opts.exit {
		p.addresses(ctx)
	}
	return summary.Status == orgflow.StatusCompleted, nil
}

// loadDemo gives the simulators of HCM and ERP the demo organisation and its
// orders, unless they hold something already: what somebody changed there
// survives a restart.
func (p parts) loadDemo() error {
	if state, ok := p.sims.erp.State().(kdsim.State); ok && len(state.Forms) == 0 {
		if err := p.sims.erp.Put(kdsim.Demo(time.Now())); err != nil {
			return fmt.Errorf("demo orders: %w", err)
		}
	}
	if state, ok := p.sims.hcm.State().(hcmsim.State); ok && len(state.Models) > 0 {
		return nil
	}
	raw, err := json.Marshal(hcmsim.Demo())
	if err != nil {
		return fmt.Errorf("demo organisation: %w", err)
	}
	return p.sims.hcm.PutState(raw)
}

// publishDemoFlow publishes the demo's approval flow in a new database, so
// that it can be launched. A published version is somebody's decision and
// stays; a draft that somebody has broken is no reason not to start.
func (p parts) publishDemoFlow(ctx context.Context) {
	done, err := p.app.Flows().PublishFirst(ctx, demoCompany, demoFlow, "standalone")
	switch {
	case err != nil:
		p.log.WarnContext(ctx, "the demo's approval flow is not published", "flow", demoFlow, "error", err)
	case done.Published:
		p.log.InfoContext(ctx, "published the demo's approval flow", "flow", demoFlow, "version", done.Version)
	}
}

// startOrResume finds the run an earlier process left unfinished, or starts
// a new one.
func (p parts) startOrResume(ctx context.Context) (id string, err error) {
	runs := p.app.Runs()
	for status, says := range map[orgflow.Status]string{
		orgflow.StatusRunning: "Run %s was interrupted; it goes on.\n",
		orgflow.StatusPaused:  "Run %s is paused; let it go on with: starter runs resume %[1]s\n",
	} {
		page, err := runs.ListRuns(ctx, api.RunFilter{CompanyID: demoCompany, Consumer: "ding_talk", Status: status, Limit: 1})
		if err != nil {
			return "", err
		}
		if len(page.Runs) > 0 {
			fmt.Fprintf(p.out, says, page.Runs[0].ID)
			return page.Runs[0].ID, nil
		}
	}
	job, err := p.app.Meta.DecodeJob([]byte(demoJob))
	if err != nil {
		return "", err
	}
	started, err := runs.Start(ctx, job, json.RawMessage(demoJob), api.StartOptions{By: "standalone"})
	if err != nil {
		return "", err
	}
	fmt.Fprintf(p.out, "Demo company 129: HCM → DingTalk simulator, run %s\n", started.ID)
	return started.ID, nil
}

// watch shows the run's progress until it has ended.
func (p parts) watch(ctx context.Context, id string) (orgflow.Summary, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	show := progress(p.out)
	for {
		summary, err := p.app.Runs().Summary(ctx, id)
		if err != nil {
			return summary, err
		}
		show(summary)
		if summary.Status.Terminal() {
			return summary, nil
		}
		select {
		case <-ctx.Done():
			return summary, errors.Join(ctx.Err())
		case <-tick.C:
		}
	}
}

// progress redraws one line on a terminal and prints a line now and then
// elsewhere.
func progress(out io.Writer) func(orgflow.Summary) {
	if telemetry.IsTerminal(out) {
		return func(s orgflow.Summary) {
			fmt.Fprintf(out, "\r\x1b[K%s", cli.ProgressLine(s))
			if s.Status.Terminal() {
				fmt.Fprint(out, "\r\x1b[K")
			}
		}
	}
	var said time.Time
	return func(s orgflow.Summary) {
		if now := time.Now(); now.Sub(said) >= sayEvery {
			said = now
			fmt.Fprintln(out, cli.ProgressLine(s))
		}
	}
}

// addresses says where to look, and how to sign in as administrator.
func (p parts) addresses(ctx context.Context) {
	var b strings.Builder
	b.WriteString("\nLook here:\n")
	line := func(name, url string) { fmt.Fprintf(&b, "  %-22s %s\n", name, url) }
	line("Temporal Web UI", p.temporal.UIURL())
	line("HTTP API", "http://"+p.listeners.http.Addr().String()+"/")
	if link, err := p.app.AdminLink(ctx); err != nil {
		p.log.WarnContext(ctx, "no link for an administrator", "error", err)
	} else {
		line("Sign in (once, 10 min)", link)
	}
	if p.sims.host != nil {
		sim := "http://" + p.listeners.sim.Addr().String()
		line("DingTalk simulator", sim+"/_sim/dingtalk/state")
		line("WeCom simulator", sim+"/_sim/wecom/state")
		line("爱关怀 simulator", sim+"/_sim/aiguanhuai/state")
		line("云+ simulator", sim+"/_sim/emmcloud/state")
		line("SCIM simulator", sim+"/_sim/scim/state")
		line("HCM simulator", sim+"/_sim/hcm/state")
		line("Kingdee simulator", sim+"/_sim/kingdee/state")
	}
	line("Temporal (gRPC)", p.temporal.FrontendAddr())
	b.WriteString("Ctrl-C stops everything; the data stays.\n")
	fmt.Fprint(p.out, b.String())
}
