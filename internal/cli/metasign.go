package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orgflow/internal/config"
)

// SignRequest is a call to be signed as a consumer's connector would.
type SignRequest struct {
	CompanyID int64 // 0: the only configured company
	Consumer  string
	Method    string
	Path      string // of the interface, without the address
	Query     url.Values
	Body      []byte
	// At and Nonce are used instead of now and a random nonce, so that a
	// signature can be compared with another one; zero values are not.
	At    time.Time
	Nonce string
}

// Signed is how a call is signed.
type Signed struct {
	Canonical string            `json:"canonical"` // the key masked
	Signature string            `json:"signature"` // empty: the connection signs nothing
	Query     string            `json:"query"`     // as it is sent
	Header    map[string]string `json:"header,omitempty"`
}

func (p *program) metaSign() *cobra.Command {
	r := SignRequest{Query: url.Values{}}
	var query []string
	file, at, asJSON := "", "", false
	cmd := &cobra.Command{
		Use: "sign", Short: "Show what a consumer's calls are signed with", Args: cobra.NoArgs,
		Long: "Show canonical string and signature of a call as the consumer's connector would\nsign it, to compare them with the vendor's. Touches no system. The key is masked\nin the canonical string; the signature is a real one.",
		Example: "  starter meta sign --consumer ai_guan_huai --path /v3/oms/add --query taskId=t1 --body batch.json\n" +
			"  starter meta sign --consumer ai_guan_huai --path /v3/oms/add-prepare --at 2026-11-21T08:00:00+08:00",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			for _, pair := range query {
				name, value, found := strings.Cut(pair, "=")
				if !found || name == "" {
					return fmt.Errorf("--query %q is not a name=value", pair)
				}
				r.Query.Add(name, value)
			}
			if at != "" {
				if r.At, err = parseTime("at", at, time.Local); err != nil {
					return err
				}
			}
			r.Method = "GET"
			if file != "" {
				r.Method = "POST"
				if r.Body, err = p.readFile(file); err != nil {
					return err
				}
			}
			return p.with(cmd.Context(), config.RoleOffline, func(b Backend) error { return p.sign(cmd.Context(), b.Meta, r, asJSON) })
		},
	}
	cmd.Flags().StringVar(&r.Consumer, "consumer", "", "consumer, ai_guan_huai for example")
	cmd.Flags().StringVar(&r.Path, "path", "", "path of the call, without address and query")
	cmd.Flags().StringArrayVar(&query, "query", nil, "a parameter as name=value, beside those every call has; repeatable")
	cmd.Flags().StringVar(&file, "body", "", "file with the body, byte by byte; - reads standard input; makes it a POST")
	cmd.Flags().StringVar(&at, "at", "", "time of the signature; default now")
	cmd.Flags().StringVar(&r.Nonce, "nonce", "", "nonce, where the scheme uses one; default random")
	cmd.Flags().Int64Var(&r.CompanyID, "company", 0, "company; default the only configured one")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"consumer", "path"} {
		_ = cmd.MarkFlagRequired(name) // the flags exist
	}
	return cmd
}

func (p *program) sign(ctx context.Context, m Meta, r SignRequest, asJSON bool) error {
	s, err := m.Sign(ctx, r)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if asJSON {
		return p.printJSON(s)
	}
	if s.Signature == "" {
		p.say("This connection signs nothing; its calls are sent as they are.")
	} else if err := p.print("canonical  %s\nsignature  %s", clean(s.Canonical), clean(s.Signature)); err != nil {
		return err
	}
	if err := p.print("query      %s", clean(s.Query)); err != nil {
		return err
	}
	for name, value := range s.Header {
		if err := p.print("header     %s: %s", clean(name), clean(value)); err != nil {
			return err
		}
	}
	return nil
}
