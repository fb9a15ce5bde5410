package simctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
)

// maxControlBody bounds the body of a control call, in bytes; a state of
// 100,000 people fits.
const maxControlBody = 512 << 20

// Host serves simulators under /{name} and their control calls under
// /_sim/{name} (contract § 7). Control calls ask for no credentials: a host
// belongs on loopback.
type Host struct {
	router http.Handler
	sims   map[string]Simulator

	changing sync.Mutex // options
}

// NewHost makes a host. Two simulators of one name are a programming error and panic.
func NewHost(sims ...Simulator) *Host {
	h := &Host{sims: map[string]Simulator{}}
	r := chi.NewRouter()
	for _, s := range sims {
		name := s.Name()
		if _, twice := h.sims[name]; twice {
			panic("simctl: two simulators named " + name)
		}
		h.sims[name] = s
		inner := http.StripPrefix("/"+name, s)
		r.Handle("/"+name, inner)
		r.Handle("/"+name+"/*", inner)
	}
	r.Route("/_sim/{name}", func(r chi.Router) {
		r.Get("/state", h.control(func(s Simulator, _ []byte) (any, error) { return s.State(), nil }))
		r.Put("/state", h.control(func(s Simulator, b []byte) (any, error) { return nil, s.PutState(b) }))
		r.Get("/requests", h.control(func(s Simulator, _ []byte) (any, error) { return s.Desk().Requests(), nil }))
		r.Delete("/requests", h.control(func(s Simulator, _ []byte) (any, error) { s.Desk().ClearRequests(); return nil, nil }))
		r.Get("/faults", h.control(func(s Simulator, _ []byte) (any, error) { return s.Desk().Faults(), nil }))
		r.Post("/faults", h.control(addFaults))
		r.Delete("/faults", h.control(func(s Simulator, _ []byte) (any, error) { s.Desk().ClearFaults(); return nil, nil }))
		r.Get("/options", h.control(func(s Simulator, _ []byte) (any, error) { return s.Options(), nil }))
		r.Put("/options", h.control(func(s Simulator, b []byte) (any, error) {
			h.changing.Lock() // a change rests on the options before it
			defer h.changing.Unlock()
			if err := s.SetOptions(b); err != nil {
				return nil, err
			}
			return s.Options(), nil
		}))
		r.Post("/expire-tokens", h.control(func(s Simulator, _ []byte) (any, error) { return nil, s.ExpireTokens() }))
		r.Post("/reset", h.control(reset))
		r.Post("/{action}", h.action)
	})
	h.router = r
	return h
}

// ServeHTTP implements http.Handler.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.router.ServeHTTP(w, r) }

// Persist loads each simulator's state from dir, created if need be, and
// keeps it there in {name}.journal.jsonl from now on. Call it before serving.
// The files are not locked: one host per directory is the caller's business.
func (h *Host) Persist(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("simulator data: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(h.sims)) {
		s := h.sims[name]
		j, err := OpenJournal(filepath.Join(dir, name+".journal.jsonl"), s.Replay, s.Dump)
		if err != nil {
			return errors.Join(fmt.Errorf("simulator %s: %w", name, err), h.Close())
		}
		if old := s.Desk().journal.Swap(j); old != nil {
			old.Close()
		}
	}
	return nil
}

// Close closes the journals. Calls that change something fail from then on.
func (h *Host) Close() error {
	var errs []error
	for _, s := range h.sims {
		if j := s.Desk().journal.Load(); j != nil {
			errs = append(errs, j.Close())
		}
	}
	return errors.Join(errs...)
}

func addFaults(s Simulator, b []byte) (any, error) {
	faults, err := DecodeFaults(b)
	if err != nil {
		return nil, err
	}
	s.Desk().faults.add(faults)
	return s.Desk().Faults(), nil
}

func reset(s Simulator, _ []byte) (any, error) {
	if err := s.Reset(); err != nil {
		return nil, err
	}
	s.Desk().ClearFaults()
	s.Desk().ClearRequests()
	return nil, nil
}

// control runs one control call. A nil result answers {"ok": true}.
func (h *Host) control(do func(Simulator, []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := h.sims[chi.URLParam(r, "name")]
		if !ok {
			h.notFound(w, "no simulator "+chi.URLParam(r, "name"))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
		if err != nil {
			writeControl(w, http.StatusBadRequest, problem{"invalid_body", err.Error()})
			return
		}
		out, err := do(s, body)
		if err != nil {
			writeControl(w, http.StatusBadRequest, problem{"invalid_control", err.Error()})
			return
		}
		if out == nil {
			out = map[string]bool{"ok": true}
		}
		writeControl(w, http.StatusOK, out)
	}
}

func (h *Host) action(w http.ResponseWriter, r *http.Request) {
	s, ok := h.sims[chi.URLParam(r, "name")]
	if !ok {
		h.notFound(w, "no simulator "+chi.URLParam(r, "name"))
		return
	}
	do, ok := s.Actions()[chi.URLParam(r, "action")]
	if !ok {
		h.notFound(w, s.Name()+" has no control call "+chi.URLParam(r, "action"))
		return
	}
	h.control(func(_ Simulator, b []byte) (any, error) { return do(b) })(w, r)
}

type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (h *Host) notFound(w http.ResponseWriter, what string) {
	names := strings.Join(slices.Sorted(maps.Keys(h.sims)), ", ")
	writeControl(w, http.StatusNotFound, problem{"not_found", what + "; simulators here: " + names})
}

func writeControl(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the status is out; an error can only be a gone caller
}
