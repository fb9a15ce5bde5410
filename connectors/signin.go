package connectors

import (
	"context"

	"orgflow"
)

// SignIn is implemented by consumers through which people prove who they
// are. Whoever is not a member of the organisation is CodeNotFound, a code
// that is unknown, used or over CodeNeedsHuman. Any other fault says that it
// could not be found out, which is never a yes.
type SignIn interface {
	// SignInURL is where a browser is sent. It comes back to redirect with
	// state and a code.
	SignInURL(redirect, state string) string
	// MemberByBrowserCode exchanges the code a browser came back with. It
	// works once.
	MemberByBrowserCode(ctx context.Context, code string) (Member, error)
	// MemberByAppCode exchanges the code that a page inside the system's own
	// client was given. It works once.
	MemberByAppCode(ctx context.Context, code string) (Member, error)
	// MemberByID looks whether somebody is a member now.
	MemberByID(ctx context.Context, userID string) (Member, error)
	// SignInSettings shows how signing in is configured.
	SignInSettings() SignInSettings
}

// Member is a person of the organisation who has proved who they are.
type Member struct {
	UserID string
	Name   string
}

// SignInSettings are what signing in needs of a connection. Secrets are
// there or not, never shown.
type SignInSettings struct {
	CorpID      string
	AgentID     string
	ClientID    string
	SecretSet   bool
	CallbackURL string // where browsers come back to; empty is not configured
	// ScriptURL is the script that gives a page inside the system's client its
	// code; empty is none.
	ScriptURL string
	BaseURL   string // of the interface
}

// Prober is implemented by connectors that can try what a connection needs,
// step by step.
type Prober interface {
	// Probe tries each step, whatever came of those before it. It only reads.
	Probe(ctx context.Context) []Step
}

// Step is one thing that a connection needs.
type Step struct {
	Name  string         // "token", "departments" …
	Needs string         // the permission, by the vendor's name; empty is none of its own
	Fault *orgflow.Fault // nil: it works
	// Skipped: it was not tried, because it cannot work after what failed.
	Skipped bool
}

// Unproven is implemented by connectors whose check leaves something open.
type Unproven interface {
	// Unproven says what Check cannot find out, and when it shows; empty:
	// nothing.
	Unproven() string
}
