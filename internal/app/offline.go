package app

import (
	"context"

	"orgflow"
	"orgflow/internal/cli"
	"orgflow/meta"
)

// offline looks at mapping files for the command line.
type offline struct{ files *meta.Store }

// Lint checks the files of one company, or of all.
func (o offline) Lint(_ context.Context, company int64) ([]orgflow.Problem, error) {
	if company != 0 {
		return o.files.Lint(company), nil
	}
	problems := o.files.Lint(0)
	for _, id := range o.files.Companies() {
		problems = append(problems, o.files.Lint(id)...)
	}
	return dedupe(problems), nil
}

// dedupe drops findings in shipped files that several companies share.
func dedupe(problems []orgflow.Problem) []orgflow.Problem {
	seen := make(map[orgflow.Problem]bool, len(problems))
	out := problems[:0]
	for _, p := range problems {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// Preview shows one row's way through the files.
func (o offline) Preview(_ context.Context, r cli.PreviewRequest) (cli.Preview, error) {
	company, err := o.company(r.CompanyID)
	if err != nil {
		return cli.Preview{}, err
	}
	p, err := o.files.Preview(meta.PreviewRequest{
		Service: r.Service, Consumer: r.Consumer, CompanyID: company, State: r.State, Row: r.Row,
	})
	if err != nil {
		return cli.Preview{}, err
	}
	return cli.Preview{Text: p.Text(), Detail: p, Refused: p.Rejected || !p.Sendable}, nil
}
