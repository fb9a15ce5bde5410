package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
)

// Me is who a request comes from.
type Me struct {
	Kind      string     `json:"kind" enum:"session,key,open" doc:"open: no keys are set, and this machine needs none"`
	Name      string     `json:"name" doc:"of the person or key"`
	UserCode  string     `json:"user_code,omitempty" doc:"what flows and roles call the person by"`
	CompanyID int64      `json:"company_id,omitempty"`
	Role      string     `json:"role" enum:"read,operate,approve,admin"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"end of the session, unless it ends before"`
}

func (s *server) meRoutes() {
	register(s, huma.Operation{
		OperationID: "me", Method: http.MethodGet, Path: "/api/v1/me",
		Tags: []string{"sign-in"}, Summary: "Who is asking, and what they may do",
	}, config.AccessRead, func(ctx context.Context, _ *struct{}) (*body[Me], error) {
		return &body[Me]{s.me(ctx, callerOf(ctx))}, nil
	})
}

func (s *server) me(ctx context.Context, c caller) Me {
	if p := c.person; p != nil {
		return Me{Kind: "session", Name: p.Name, UserCode: p.Code, CompanyID: p.CompanyID, Role: p.Access.String(), ExpiresAt: &p.ExpiresAt}
	}
	for _, k := range s.keys(ctx) {
		if k.Name == c.key {
			return Me{Kind: "key", Name: k.Name, Role: k.Access.String()}
		}
	}
	return Me{Kind: "open", Name: localUser, Role: config.AccessAdmin.String()}
}
