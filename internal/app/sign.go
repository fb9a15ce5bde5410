package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/signing"
	"orgflow/internal/cli"
	"orgflow/internal/transport"
)

// signer is a connector whose calls carry a signature.
type signer interface {
	Sign(r signing.Request, at signing.Moment) (signing.Signed, error)
}

// Sign shows how a consumer's connector would sign a call. It makes none.
func (o offline) Sign(_ context.Context, r cli.SignRequest) (cli.Signed, error) {
	company, err := o.company(r.CompanyID)
	if err != nil {
		return cli.Signed{}, err
	}
	files, err := o.files.Company(company)
	if err != nil {
		return cli.Signed{}, err
	}
	var raw json.RawMessage
	if err := files.Connection(r.Consumer, &raw); err != nil {
		return cli.Signed{}, err
	}
	definition, err := files.Definition(r.Consumer)
	if err != nil {
		return cli.Signed{}, err
	}
	idle := &App{Log: slog.New(slog.DiscardHandler)}
	if idle.calls, err = transport.NewPrometheus(prometheus.NewRegistry()); err != nil {
		return cli.Signed{}, err
	}
	consumer, err := idle.registry().Consumer(connectors.Settings{CompanyID: company, Name: r.Consumer, JSON: raw, Definition: definition})
	if err != nil {
		return cli.Signed{}, err
	}
	s, ok := consumer.(signer)
	if !ok {
		return cli.Signed{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "calls to %s are not signed", r.Consumer)
	}
	at := signing.Moment{Now: r.At, Nonce: r.Nonce}
	if r.At.IsZero() {
		at.Now = time.Now()
	}
	_, _ = rand.Read(at.Random[:]) // never fails
	signed, err := s.Sign(signing.Request{Method: r.Method, Path: r.Path, Query: r.Query, Body: r.Body}, at)
	if err != nil {
		return cli.Signed{}, err
	}
	return cli.Signed{Canonical: signed.Shown, Signature: signed.Signature, Query: signed.Query.Encode(), Header: signed.Header}, nil
}

// company is the one that is meant: 0 is the only configured one.
func (o offline) company(id int64) (int64, error) {
	if id != 0 {
		return id, nil
	}
	known := o.files.Companies()
	if len(known) != 1 {
		return 0, fmt.Errorf("name the company with --company; configured: %v", known)
	}
	return known[0], nil
}
