package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

// checkTime bounds one look at readiness, so that a probe gets its answer
// before it gives up by itself.
const checkTime = 3 * time.Second

const pathReady = "/readyz"

func (s *server) healthRoutes() {
	register(s, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz",
		Tags: []string{"operations"}, Summary: "The process answers",
	}, config.AccessNone, func(context.Context, *struct{}) (*body[health], error) {
		return &body[health]{health{Status: "ok"}}, nil
	})
	register(s, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: pathReady,
		Tags: []string{"operations"}, Summary: "Database and Temporal answer",
		Description: "503 while one of them does not; the log has the cause.",
	}, config.AccessNone, s.ready)
}

type health struct {
	Status string            `json:"status" example:"ok"`
	Checks map[string]string `json:"checks,omitempty"`
}

// ready asks every check at the same time. The answer names what failed; why
// it did is for the log, for the route is open to everybody.
func (s *server) ready(ctx context.Context, _ *struct{}) (*body[health], error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	failures := make([]error, len(s.Checks))
	var wg sync.WaitGroup
	for i, check := range s.Checks {
		wg.Go(func() { failures[i] = check.Ask(ctx) })
	}
	wg.Wait()

	result := health{Status: "ready", Checks: map[string]string{}}
	var failed []string
	for i, check := range s.Checks {
		result.Checks[check.Name] = "ok"
		if failures[i] != nil {
			failed = append(failed, check.Name)
			s.Logger.WarnContext(ctx, "not ready", "check", check.Name, "error", failures[i], "request_id", requestID(ctx))
		}
	}
	if len(failed) > 0 {
		return nil, &Error{Code: orgflow.CodeUnavailable, Message: "not ready: no answer from " + strings.Join(failed, " and ")}
	}
	return &body[health]{result}, nil
}
