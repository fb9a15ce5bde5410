// Package simctl is what the simulators of remote systems have in common: a
// control desk (request log, faults, latency), a journal that survives a
// kill, and a host that serves several simulators with their control calls.
//
// A simulator built on it speaks its vendor's wire format and nothing else;
// how a call is counted, delayed, broken on purpose or made durable is the
// desk's business and alike for all.
package simctl

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options struct {
	// Now is the simulator's clock; nil is the wall clock.
	Now func() time.Time
	// Sleep waits for latency and delays; nil waits for real.
	Sleep func(context.Context, time.Duration)
}

// Simulator is one simulated system. All methods are safe for concurrent use.
type Simulator interface {
	// ServeHTTP answers vendor calls, with paths relative to the simulator.
	http.Handler
	// Name is the simulator's mount point: "dingtalk", "hcm".
	Name() string
	// Desk is its control desk.
	Desk() *Desk
	// State returns everything it holds, in a stable order, so that two
	// unchanged states encode to the same bytes.
	State() any
	// PutState replaces its data, or changes nothing and says what is wrong.
	PutState(json.RawMessage) error
	// Options returns the switches in force.
	Options() any
	// SetOptions changes the switches that are named and keeps the others.
	// An unknown or ill-typed one changes nothing and is an error.
	SetOptions(json.RawMessage) error
	// Reset returns it to the state it was made with, options included.
	Reset() error
	// ExpireTokens makes every token issued so far expired.
	ExpireTokens() error
	// Actions are control calls of its own, by name.
	Actions() map[string]Action
	// Dump lists the changes that rebuild the state from nothing.
	Dump() []Change
	// Replay applies one journalled change without journalling it again.
	Replay(Entry) error
}

// Action is a control call: JSON in, JSON out. An error answers 400.
type Action func(json.RawMessage) (any, error)

// Handler answers one vendor call.
type Handler interface {
	// Handle performs the call.
	Handle(*Call) Answer
	// Refuse builds the answer that the vendor gives for an error code; faults use it.
	Refuse(c *Call, code string) Answer
	// Key names the record a call is about (userid, dept_id …), for the
	// request log. Never a name or a mobile number.
	Key(*Call) string
}

// Answer is a complete HTTP answer.
type Answer struct {
	Status      int               // 0 is 200
	ContentType string            // empty is JSON
	Header      map[string]string // further headers, nil for none
	Body        []byte
	Outcome     string // "ok" or the vendor's code
}

// OK is the outcome of a call that did what it was asked.
const OK = "ok"

// JSON builds an answer with status and outcome from a value that always encodes.
func JSON(status int, outcome string, v any) Answer {
	b, err := json.Marshal(v)
	if err != nil {
		return Answer{Status: http.StatusInternalServerError, Outcome: "encode", ContentType: "text/plain", Body: []byte(err.Error())}
	}
	return Answer{Status: status, Outcome: outcome, Body: b}
}
