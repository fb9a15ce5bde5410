package app

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors/aiguanhuai"
	"orgflow/connectors/dingtalk"
	"orgflow/connectors/rest"
	"orgflow/connectors/wecom"
	"orgflow/internal/console"
	"orgflow/meta"
)

// Consumers implements console.Consumers.
type Consumers struct{ app *App }

// Consumers returns what knows the consumers.
func (a *App) Consumers() *Consumers { return &Consumers{a} }

// Consumers implements console.Consumers.
func (c *Consumers) Consumers(ctx context.Context) (list []console.Consumer, problems []orgflow.Problem, err error) {
	for _, id := range c.app.Meta.Companies() {
		company, err := c.app.Meta.Company(id)
		if err != nil {
			problems = append(problems, problemsOf(err)...)
			continue
		}
		for _, name := range company.Consumers() {
			one, err := c.look(ctx, company, name)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, one)
		}
	}
	return list, problems, nil
}

// Consumer implements console.Consumers.
func (c *Consumers) Consumer(ctx context.Context, target orgflow.Target) (console.Consumer, error) {
	company, err := c.app.Meta.Company(target.CompanyID)
	if err != nil {
		return console.Consumer{}, err
	}
	if !company.HasConsumer(target.Consumer) {
		return console.Consumer{}, orgflow.Faultf(orgflow.CodeNotFound, "company %d has no connection to a consumer of that name; it has: %s",
			target.CompanyID, strings.Join(company.Consumers(), ", "))
	}
	return c.look(ctx, company, target.Consumer)
}

func (c *Consumers) look(ctx context.Context, company meta.Company, name string) (console.Consumer, error) {
	target := orgflow.Target{CompanyID: company.ID, Consumer: name}
	out := console.Consumer{
		CompanyID: company.ID, Company: company.Name, Name: name,
		Addresses: addresses(company, name), Credentials: credentials(company, name),
	}
	var err error
	if out.Rate, out.Default, err = rateOf(company, name); err != nil {
		out.Problem = orgflow.AsFault(err).Message
	}
	var raw json.RawMessage
	if err := company.Connection(name, &raw); err != nil {
		out.Problem = problemText(err)
	}
	next, now, used, err := c.app.Store.RateState(ctx, target.String())
	if err != nil {
		return console.Consumer{}, err
	}
	if used && out.Rate > 0 {
		out.Budget = &console.Budget{Next: next, Now: now}
	}
	out.Holder, _, err = c.app.Store.Holder(ctx, target, time.Now())
	return out, err
}

// problemText is why a connection cannot be used, on one line. It names keys
// and references, never a value.
func problemText(err error) string {
	var lines []string
	for _, p := range problemsOf(err) {
		lines = append(lines, strings.TrimSpace(p.Pointer+" "+p.Message))
	}
	return strings.Join(lines, "; ")
}

// addressKeys are the keys of connections that hold addresses.
var addressKeys = []string{"base_url", "api_base_url"}

func addresses(company meta.Company, name string) (out []console.Address) {
	for _, key := range addressKeys {
		var text string
		if ok, err := company.Setting(name, key, &text); !ok || err != nil {
			continue // the connection's problem tells
		}
		if shown, ok := withoutSecrets(text); ok {
			out = append(out, console.Address{Key: key, URL: shown})
		}
	}
	return out
}

// withoutSecrets is an address without what may hold a password.
func withoutSecrets(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil {
		return "", false
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String(), true
}

func credentials(company meta.Company, name string) (out []console.Credential) {
	written := company.Written(name)
	for _, key := range slices.Sorted(maps.Keys(written)) {
		if written[key] == "" || slices.Contains(addressKeys, key) {
			continue
		}
		var value any
		_, err := company.Setting(name, key, &value)
		out = append(out, console.Credential{Key: key, References: written[key], Set: err == nil})
	}
	return out
}

// rateOf is a connection's budget in calls a second; standard tells that the
// company's file names none.
func rateOf(company meta.Company, name string) (qps float64, standard bool, err error) {
	if ok, err := company.Setting(name, "qps", &qps); ok || err != nil {
		return qps, false, err
	}
	switch name {
	case dingTalk:
		return dingtalk.DefaultQPS, true, nil
	case "we_com":
		return wecom.DefaultQPS, true, nil
	case "ai_guan_huai":
		return aiguanhuai.DefaultQPS, true, nil
	}
	raw, err := company.Definition(name)
	if err != nil {
		return 0, true, err
	}
	def, err := rest.Parse(raw)
	if err != nil {
		return 0, true, err
	}
	return rest.Config{}.Rate(def), true, nil
}

// Troubles implements console.Consumers.
func (c *Consumers) Troubles(ctx context.Context, target orgflow.Target, limit int) ([]console.Trouble, error) {
	entries, err := c.app.Store.LastTroubles(ctx, target, limit)
	out := make([]console.Trouble, len(entries))
	for i, e := range entries {
		out[i] = console.Trouble{
			At: e.At, Run: e.RunID, Kind: e.Kind, Op: e.Op, SourceID: e.SourceID, State: e.Outcome, VendorCode: e.VendorCode, Message: e.Message,
		}
	}
	return out, err
}
